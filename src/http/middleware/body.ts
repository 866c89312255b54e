// Reads a request's body up to a limit and parses it strictly.

import type { IncomingMessage } from 'node:http';
import { type ParsedJson, parseJson } from '../../fhir/json.ts';
import { fhirError } from '../../fhir/outcome.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws 413 beyond `limitBytes` as soon as that is known, and 400 for what is no UTF-8 JSON. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLong(limitBytes);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      size += (piece as Buffer).length;
      if (size > limitBytes) throw tooLong(limitBytes);
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    // Nobody is left to read the answer, and nothing is wrong with the server.
    throw request.destroyed
      ? fhirError('structure', 'The connection ended before the body did.', { cause: error })
      : error;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

export function parseBody(bytes: Buffer): ParsedJson {
  if (bytes.length === 0) throw fhirError('structure', 'The body is empty.');
  return parseJson(decode(bytes));
}

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw fhirError('structure', 'The body is not UTF-8.', { cause });
  }
}

function tooLong(limitBytes: number) {
  return fhirError('too-long', `The body is longer than ${limitBytes} bytes.`);
}
