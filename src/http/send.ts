// Puts an interaction's answer into HTTP, in the format that was negotiated: https://hl7.org/fhir/R4/http.html#mime-type

import { Readable } from 'node:stream';
import type { Definitions } from '../fhir/definitions.ts';
import type { FhirContext } from './admit.ts';
import { notAcceptable } from './answer-format.ts';
import type { InteractionResponse } from './interaction.ts';
import { type Representation, represent } from './represent.ts';

export interface SendOptions {
  readonly definitions: Definitions;
  /** Undefined for a client that takes nothing but a Binary's own type. */
  readonly representation: Representation | undefined;
}

/** What has a Content-Type of its own, as every stream has, passes as it is. */
export function send(
  ctx: FhirContext,
  response: InteractionResponse,
  { definitions, representation }: SendOptions,
): void {
  const { status, headers, body } = response;
  const isNative = headers['Content-Type'] !== undefined;
  if (body !== undefined && !isNative && !representation) throw notAcceptable();
  ctx.status = status;
  ctx.set(headers);
  if (body === undefined) sendNothing(ctx, status);
  else if (isNative || !representation || body instanceof Readable) ctx.body = body;
  else {
    ctx.set('Content-Type', representation.format.contentType);
    if (isPlain(representation)) ctx.body = body;
    // The length of what HEAD would have to make first is not worth making it.
    else if (ctx.method !== 'HEAD') ctx.body = represent(definitions, body.toString(), representation);
  }
}

/** Koa would say the status in words. */
function sendNothing(ctx: FhirContext, status: number): void {
  ctx.body = null;
  ctx.status = status;
}

function isPlain({ format, subset }: Representation): boolean {
  return subset === undefined && format.syntax === 'json' && !format.isPretty;
}
