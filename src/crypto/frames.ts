// Encryption of long bodies in frames, so that neither writing nor reading one holds more of it than two frames.

import { keyVersionOf, SealedBoxError } from './sealed-box.ts';
import type { TenantCipher } from './tenant-cipher.ts';

const frameBytes = 65_536;
const lengthBytes = 4;
/** A sealed frame is never larger than its plain bytes and the box around them; anything longer is not ours. */
const boxBytesMax = frameBytes + 1_024;

/** Pieces of any size, as a request or a buffer gives them. */
export type Bytes = Iterable<Buffer> | AsyncIterable<Buffer>;

/**
 * Each frame is its length and a box whose context holds its number and whether it is the last: none can be lost or moved.
 * A frame leaves once a byte behind it is known, so the next is asked for only when this one was taken.
 */
export async function* sealFrames(
  cipher: Pick<TenantCipher, 'seal'>,
  body: Bytes,
  context: string,
): AsyncGenerator<Buffer, void> {
  // One buffer for all: many small pieces must not be put together again and again.
  const frame = Buffer.allocUnsafe(frameBytes);
  let filled = 0;
  let index = 0;
  const sealed = (last: boolean) =>
    withLength(cipher.seal(frame.subarray(0, filled), frameContext(context, index++, last)));
  for await (const piece of body) {
    for (let at = 0; at < piece.length; ) {
      if (filled === frameBytes) {
        yield sealed(false);
        filled = 0;
      }
      const copied = piece.copy(frame, filled, at);
      filled += copied;
      at += copied;
    }
  }
  yield sealed(true);
}

/**
 * The plain bytes again, a piece per frame. Throws when a frame is missing, moved or changed: what was given before is
 * genuine, but only the end of the iteration says that it was all.
 */
export async function* openFrames(
  cipher: Pick<TenantCipher, 'open'>,
  bytes: AsyncIterable<Buffer>,
  context: string,
): AsyncGenerator<Buffer, void> {
  let held: Buffer | undefined;
  let index = 0;
  for await (const box of boxesOf(bytes)) {
    if (held) yield cipher.open(held, frameContext(context, index++, false));
    held = box;
  }
  if (!held) throw new SealedBoxError('A stored body has no frame.');
  yield cipher.open(held, frameContext(context, index, true));
}

/** Of the key that the first frame is sealed under, as all of them are. */
export async function keyVersionOfFrames(bytes: AsyncIterable<Buffer>): Promise<number> {
  for await (const box of boxesOf(bytes)) return keyVersionOf(box);
  throw new SealedBoxError('A stored body has no frame.');
}

async function* boxesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    for (let box = firstBox(pending); box; box = firstBox(pending)) {
      yield box;
      pending = pending.subarray(lengthBytes + box.length);
    }
  }
  if (pending.length > 0) throw new SealedBoxError('A stored body ends within a frame.');
}

function firstBox(pending: Buffer): Buffer | undefined {
  if (pending.length < lengthBytes) return undefined;
  const length = pending.readUInt32BE();
  if (length > boxBytesMax) throw new SealedBoxError('A stored frame is too long.');
  return pending.length < lengthBytes + length ? undefined : pending.subarray(lengthBytes, lengthBytes + length);
}

function withLength(box: Buffer): Buffer {
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32BE(box.length);
  return Buffer.concat([length, box]);
}

function frameContext(context: string, index: number, last: boolean): string {
  return `${context}|frame ${index}${last ? ' last' : ''}`;
}
