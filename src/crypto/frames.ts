// Encryption of long bodies in frames, so that neither writing nor reading one holds all of it twice.

import type { TenantCipher } from './tenant-cipher.ts';

const frameBytes = 65_536;
const lengthBytes = 4;
/** A sealed frame is never larger than its plain bytes and the box around them; anything longer is not ours. */
const boxBytesMax = frameBytes + 1_024;

/** Each frame is its length and a box whose context holds its number and whether it is the last: none can be lost or moved. */
export function* sealFrames(cipher: Pick<TenantCipher, 'seal'>, body: Buffer, context: string): Iterable<Buffer> {
  const frames = Math.max(1, Math.ceil(body.length / frameBytes));
  for (let index = 0; index < frames; index++) {
    const box = cipher.seal(
      body.subarray(index * frameBytes, (index + 1) * frameBytes),
      frameContext(context, index, index === frames - 1),
    );
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32BE(box.length);
    yield length;
    yield box;
  }
}

/** The plain body again; throws when a frame is missing, moved or changed. */
export async function openFrames(
  cipher: Pick<TenantCipher, 'open'>,
  bytes: AsyncIterable<Buffer>,
  context: string,
): Promise<Buffer> {
  const boxes: Buffer[] = [];
  let pending: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    pending = Buffer.concat([pending, piece]);
    for (let box = firstBox(pending); box; box = firstBox(pending)) {
      boxes.push(box);
      pending = pending.subarray(lengthBytes + box.length);
    }
  }
  if (pending.length > 0 || boxes.length === 0) throw new Error('A stored body ends within a frame.');
  return Buffer.concat(
    boxes.map((box, index) => cipher.open(box, frameContext(context, index, index === boxes.length - 1))),
  );
}

function firstBox(pending: Buffer): Buffer | undefined {
  if (pending.length < lengthBytes) return undefined;
  const length = pending.readUInt32BE();
  if (length > boxBytesMax) throw new Error('A stored frame is too long.');
  return pending.length < lengthBytes + length ? undefined : pending.subarray(lengthBytes, lengthBytes + length);
}

function frameContext(context: string, index: number, last: boolean): string {
  return `${context}|frame ${index}${last ? ' last' : ''}`;
}
