// Compressed blocks that say at their start what they are: zstd and LZ4 frames, and PostgreSQL's compressed values.

import { constants, zstdDecompressSync } from 'node:zlib';

export interface Block {
  readonly format: string;
  /** Decompressed, as far as it is there. */
  readonly content: Uint8Array;
}

/** At most places there is none; called for every byte of a database, so that the tests that few places pass come first. */
export function openBlock(bytes: Buffer, at: number): Block | undefined {
  if (at + 8 > bytes.length) return undefined;
  const first = bytes[at]!;
  if (first === 0x28 && bytes.readUInt32LE(at) === zstdMagic) return toBlock('zstd frame', openZstd(bytes, at));
  if (first === 0x04 && bytes.readUInt32LE(at) === lz4Magic) return toBlock('LZ4 frame', openLz4(bytes, at));
  if ((bytes[at + 3]! & 0xbc) !== 0 || at < 8 || (bytes[at - 4]! & 1) !== 0) return undefined;
  return toBlock('PostgreSQL value', openPostgresValue(bytes, at));
}

const zstdMagic = 0xfd2fb528;
const lz4Magic = 0x184d2204;

function toBlock(format: string, content: Uint8Array | undefined): Block | undefined {
  return content && { format, content };
}

const outputBytesMax = 64_000_000;

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1 */
function openZstd(bytes: Buffer, offset: number): Uint8Array | undefined {
  const end = endOfZstdFrame(bytes, offset);
  const options = { finishFlush: constants.ZSTD_e_continue, maxOutputLength: outputBytesMax };
  try {
    return zstdDecompressSync(bytes.subarray(offset, end), options);
  } catch {
    return undefined;
  }
}

/** What stands behind the frame would make zlib throw away the frame as well. */
function endOfZstdFrame(bytes: Buffer, offset: number): number {
  const descriptor = bytes[offset + 4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let end = offset + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  for (let isLast = false; !isLast && end + 3 <= bytes.length; ) {
    const head = bytes.readUIntLE(end, 3);
    isLast = (head & 1) === 1;
    const isRepeatedByte = ((head >> 1) & 3) === 1;
    end += 3 + (isRepeatedByte ? 1 : head >> 3);
  }
  return Math.min(end + ((descriptor & 4) === 0 ? 0 : 4), bytes.length);
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
function openLz4(bytes: Buffer, offset: number): Uint8Array {
  const flags = bytes[offset + 4] ?? 0;
  let at = offset + 7 + ((flags & 8) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4);
  const output: number[] = [];
  while (at + 4 <= bytes.length && output.length < outputBytesMax) {
    const head = bytes.readUInt32LE(at);
    const end = at + 4 + (head & 0x7fffffff);
    if (head === 0 || end > bytes.length + lz4BlockBytesMax) break;
    const block = bytes.subarray(at + 4, end);
    if (head > 0x7fffffff) for (const byte of block) output.push(byte);
    else expandLz4(block, output);
    at = end + ((flags & 0x10) === 0 ? 0 : 4);
  }
  return Uint8Array.from(output);
}

const lz4BlockBytesMax = 4_194_304;

/**
 * A value compressed by PostgreSQL, in its row or in the first piece of TOAST: a word with size and method, in front of it the
 * value's own head: https://www.postgresql.org/docs/18/storage-toast.html and src/include/varatt.h
 */
function openPostgresValue(bytes: Buffer, offset: number): Uint8Array | undefined {
  const head = headOfValue(bytes, offset);
  if (!head) return undefined;
  const output: number[] = [];
  const block = bytes.subarray(offset + 4, offset + 4 + head.storedBytes);
  if (head.method === 0) expandPglz(block, output, head.bytes);
  else expandLz4(block, output);
  return Uint8Array.from(output);
}

function headOfValue(bytes: Buffer, offset: number) {
  const sizeAndMethod = bytes.readUInt32LE(offset);
  const head = bytes.readUInt32LE(offset - 4);
  const size = sizeAndMethod & 0x3fffffff;
  const stored = (head >>> 2) - 8;
  const isWhole = (head & 3) === 2 && stored < size;
  const isFirstPiece = (head & 3) === 0 && stored < toastPieceBytesMax && bytes.readUInt32LE(offset - 8) === 0;
  if (stored < 4 || size < 32 || size > outputBytesMax || !(isWhole || isFirstPiece)) return undefined;
  return { method: sizeAndMethod >>> 30, bytes: size, storedBytes: stored };
}

const toastPieceBytesMax = 2_048;

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function expandLz4(block: Uint8Array, output: number[]): void {
  let at = 0;
  const longer = (length: number): number => {
    let sum = length;
    if (length < 15) return sum;
    for (let byte = 255; byte === 255 && at < block.length; ) {
      byte = block[at++]!;
      sum += byte;
    }
    return sum;
  };
  while (at < block.length && output.length < outputBytesMax) {
    const token = block[at++]!;
    for (let left = longer(token >> 4); left > 0 && at < block.length; left--) output.push(block[at++]!);
    if (at + 2 > block.length) return;
    const distance = block[at]! | (block[at + 1]! << 8);
    at += 2;
    if (!repeat(output, distance, longer(token & 15) + 4)) return;
  }
}

/** src/common/pg_lzcompress.c: a byte says of the next eight items which are bytes (0) and which are repetitions (1). */
function expandPglz(block: Uint8Array, output: number[], size: number): void {
  for (let at = 0; at < block.length; ) {
    const kinds = block[at++]!;
    for (let item = 0; item < 8 && at < block.length && output.length < size; item++) {
      if (((kinds >> item) & 1) === 0) {
        output.push(block[at++]!);
        continue;
      }
      const [first = 0, second = 0, third = 0] = block.subarray(at, at + 3);
      const length = (first & 15) + 3;
      at += length === 18 ? 3 : 2;
      if (!repeat(output, ((first & 0xf0) << 4) | second, length === 18 ? length + third : length)) return;
    }
  }
}

/** False where the block is none. */
function repeat(output: number[], distance: number, length: number): boolean {
  if (distance === 0 || distance > output.length) return false;
  for (let left = Math.min(length, outputBytesMax); left > 0; left--) output.push(output[output.length - distance]!);
  return true;
}
