// A request's body as a stream, decoded and never longer than allowed, however small it came: security.md 85

import type { IncomingMessage } from 'node:http';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { type FhirError, fhirError } from '../fhir/outcome.ts';

export interface BodyLimits {
  /** Of the body as it was sent, and of what it becomes. */
  readonly limitBytes: number;
  readonly decoder: (() => Transform) | undefined;
}

/** Ends in 413 as soon as the body is too long, in 400 where it is broken; the request itself stays open for the answer. */
export function bodyStream(request: IncomingMessage, { limitBytes, decoder }: BodyLimits): Readable {
  requireLength(request, limitBytes);
  const body = new Limiter(() => limitBytes);
  const source = decoder ? decode(request, decoder(), { limitBytes, body }) : request;
  // It may break before anybody reads it; who then does learns of it.
  body.on('error', () => undefined);
  source.pipe(body);
  const onGone = () => {
    // Nobody is left to read the answer, and nothing is wrong with the server.
    if (!request.complete) body.destroy(fhirError('structure', 'The connection ended before the body did.'));
  };
  request.once('close', onGone);
  body.once('close', () => {
    request.off('close', onGone);
    source.unpipe(body);
  });
  return body;
}

/** Throws 413 for a body that says itself that it is too long. */
export function requireLength(request: IncomingMessage, limitBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLong(limitBytes);
}

export function tooLong(limitBytes: number): FhirError {
  return fhirError('too-long', `The body is longer than ${limitBytes} bytes.`);
}

/** Passes on what is not too long yet. */
class Limiter extends Transform {
  bytes = 0;
  readonly #bytesMax: () => number;

  constructor(bytesMax: () => number) {
    super();
    this.#bytesMax = bytesMax;
  }

  override _transform(piece: Buffer, _: unknown, done: TransformCallback): void {
    this.bytes += piece.length;
    const bytesMax = this.#bytesMax();
    if (this.bytes > bytesMax) done(tooLong(bytesMax));
    else done(null, piece);
  }
}

/** A coding adds next to nothing even to what it cannot make smaller: more than this is empty pieces, of which nothing comes. */
const addedBytesMax = 1_000_000;

/** What never becomes much may still be sent without end, so that both sides of the decoder are limited. */
function decode(
  request: IncomingMessage,
  decoder: Transform,
  { limitBytes, body }: { readonly limitBytes: number; readonly body: Limiter },
): Transform {
  const encoded = new Limiter(() => Math.min(limitBytes, body.bytes + addedBytesMax));
  encoded.on('error', (error) => body.destroy(error));
  decoder.on('error', (cause) => {
    body.destroy(
      fhirError('structure', 'The body is not what its Content-Encoding says, or not all of it.', { cause }),
    );
  });
  body.once('close', () => {
    request.unpipe(encoded);
    encoded.destroy();
    decoder.destroy();
  });
  return request.pipe(encoded).pipe(decoder);
}
