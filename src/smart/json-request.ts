// A JSON object sent to one of the endpoints that take one, read once and bounded.

import type Koa from 'koa';
import { fhirError } from '../fhir/outcome.ts';
import { readTokenRequest } from './token-request.ts';

/** Throws 413, 415 or 400 for anything else. */
export async function readJsonRequest(ctx: Koa.Context): Promise<Readonly<Record<string, unknown>>> {
  if (!ctx.is('application/json')) {
    throw fhirError('not-supported', 'Send JSON, with the Content-Type application/json.', { status: 415 });
  }
  const request = await readTokenRequest(ctx);
  if (!request) {
    // The rest of it must not be taken for the next request.
    ctx.set('Connection', 'close');
    throw fhirError('too-long', 'The request is too large.');
  }
  const body = parse(request.body.toString());
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw fhirError('structure', 'The request is no JSON object.');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
