// Reads a request's body up to a limit and parses it strictly.

import type { IncomingMessage } from 'node:http';
import { setImmediate as turnEnds } from 'node:timers/promises';
import type { Definitions } from '../fhir/definitions.ts';
import { type ParsedJson, parseJson, parseLongJson } from '../fhir/json.ts';
import { fhirError } from '../fhir/outcome.ts';
import { parseXml, type XmlOptions } from '../fhir/xml/parse-xml.ts';
import { type BodyLimits, bodyStream, requireLength, tooLong } from './body-stream.ts';
import type { Syntax } from './media-type.ts';

/** Takes a byte order mark away, as https://www.rfc-editor.org/rfc/rfc8259#section-8.1 allows. */
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws 413 beyond the limit as soon as that is known, and 400 for a body that is broken. */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const pieces: Buffer[] = [];
  if (limits.decoder) {
    for await (const piece of bodyStream(request, limits)) pieces.push(piece as Buffer);
  } else await collect(request, limits.limitBytes, pieces);
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

/** Straight from the request, which most bodies need no other stream for. */
async function collect(request: IncomingMessage, limitBytes: number, pieces: Buffer[]): Promise<void> {
  requireLength(request, limitBytes);
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
}

/** A longer body is read step by step, and whoever waits for an answer goes between. */
const atOnceBytesMax = 2_000_000;

/** Throws 400 for what is no UTF-8 or does not parse. */
export async function parseBody(
  bytes: Buffer,
  syntax: Syntax,
  definitions: Definitions,
  options: XmlOptions = {},
): Promise<ParsedJson> {
  if (bytes.length === 0) throw fhirError('structure', 'The body is empty.');
  const isLong = bytes.length > atOnceBytesMax;
  if (isLong) await turnEnds();
  const text = decodeText(bytes);
  if (isLong) await turnEnds();
  if (syntax === 'xml') return parseXml(text, definitions, options);
  return isLong ? await parseLongJson(text, turnEnds) : parseJson(text);
}

/** Throws 400 for what is no UTF-8. */
export function decodeText(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw fhirError('structure', 'The body is not UTF-8.', { cause });
  }
}
