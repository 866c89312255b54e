// A Binary as FHIR JSON, written around its content as that comes: https://hl7.org/fhir/R4/binary.html

import { type BinaryHead, openContent } from './binary-content.ts';
import type { ObjectReader } from './stored-object.ts';

const opening = ',"data":"';
const closing = '"}';

/** The pieces of the JSON text. */
export async function* binaryJson(reader: ObjectReader, { json, content }: BinaryHead): AsyncGenerator<Buffer, void> {
  if (!content) return yield Buffer.from(json);
  yield Buffer.from(json.slice(0, -1) + opening);
  yield* base64Of(openContent(reader, content));
  yield Buffer.from(closing);
}

/** How long that text is. */
export function binaryJsonBytes({ json, content }: BinaryHead): number {
  const headBytes = Buffer.byteLength(json);
  return content ? headBytes - 1 + opening.length + base64Bytes(content.sizeBytes) + closing.length : headBytes;
}

export function base64Bytes(sizeBytes: number): number {
  return 4 * Math.ceil(sizeBytes / 3);
}

/** Three bytes become four digits, so up to two bytes of a piece wait for the next. */
async function* base64Of(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of content) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % 3);
    rest = bytes.subarray(whole);
    yield Buffer.from(bytes.toString('base64', 0, whole), 'latin1');
  }
  yield Buffer.from(rest.toString('base64'), 'latin1');
}
