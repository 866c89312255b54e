// Authenticated encryption of stored bytes: AES-256-GCM with a random 96-bit IV, NIST SP 800-38D section 8.2.2.

import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import { auditEventDictionary, formerAuditEventDictionary, resourceDictionary } from './dictionaries.ts';
import { packUuids, unpackUuids, uuidMark } from './packed-uuids.ts';

/** Layout: format (1 byte), key version (4), IV (12), ciphertext, tag (16). */
const ivOffset = 5;
const ivBytes = 12;
const ciphertextOffset = ivOffset + ivBytes;
const tagBytes = 16;
const formatDeflated = 1;
const formatPlain = 2;
/** Below this size compression costs more than it saves. */
const compressMinBytes = 100;
/** From this size on DEFLATE needs a fifth fewer bytes than LZ4. Shorter bodies take it four times as long or longer, and are much the same. */
const longMinBytes = 16_384;

/** The system's random source is asked for many IVs at once: one call costs as much as encrypting a small row. */
const ivs = Buffer.alloc(ivBytes * 1_024);
let ivsUsed = ivs.length;

/** Each part of the store is handed out once. */
function freshIv(): Buffer {
  if (ivsUsed === ivs.length) {
    randomFillSync(ivs);
    ivsUsed = 0;
  }
  ivsUsed += ivBytes;
  return ivs.subarray(ivsUsed - ivBytes, ivsUsed);
}

/** Of AuditEvents and of the facts they are made of; absent: the usual one of resources. */
export type Compression = 'audit-event';

/** `context` names what it is and must be the same again when it is opened. */
export function seal(
  key: KeyObject,
  keyVersion: number,
  plain: Buffer,
  context: string,
  compression?: Compression,
): Buffer {
  return sealCompressed(key, keyVersion, compressed(plain, compression), context);
}

/** What is sealed: how it was compressed, and what it became. */
export interface Compressed {
  readonly format: number;
  readonly input: Buffer;
}

export function sealCompressed(
  key: KeyObject,
  keyVersion: number,
  { format, input }: Compressed,
  context: string,
): Buffer {
  const box = Buffer.allocUnsafe(ciphertextOffset + input.length + tagBytes);
  box[0] = format;
  box.writeUInt32BE(keyVersion, 1);
  freshIv().copy(box, ivOffset);
  const cipher = createCipheriv('aes-256-gcm', key, box.subarray(ivOffset, ciphertextOffset));
  cipher.setAAD(additionalData(box, context));
  cipher.update(input).copy(box, ciphertextOffset);
  cipher.final();
  cipher.getAuthTag().copy(box, ciphertextOffset + input.length);
  return box;
}

/** For the log: which row does not open, never what it holds. */
export class SealedBoxError extends Error {
  override readonly name = 'SealedBoxError';
}

/** The key version a box was sealed under. */
export function keyVersionOf(box: Buffer): number {
  if (isTooShort(box)) throw new SealedBoxError('A sealed box is too short.');
  return box.readUInt32BE(1);
}

export function isTooShort(box: Buffer): boolean {
  return box.length < ciphertextOffset + tagBytes;
}

/** Decrypts; throws when one bit of the box or the context differs. */
export function open(key: KeyObject, box: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(ivOffset, ciphertextOffset), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(additionalData(box, context));
  decipher.setAuthTag(box.subarray(box.length - tagBytes));
  const input = decipher.update(box.subarray(ciphertextOffset, box.length - tagBytes));
  decipher.final();
  return expanded(box[0] as number, input);
}

function compressed(plain: Buffer, compression: Compression | undefined): Compressed {
  if (plain.length < compressMinBytes) return { format: formatPlain, input: plain };
  if (compression === 'audit-event' && !plain.includes(uuidMark)) {
    const { format, bytes } = auditEventDictionary;
    return { format, input: lz4.compressSync(packUuids(plain), bytes) };
  }
  if (plain.length >= longMinBytes) return { format: formatDeflated, input: deflateRawSync(plain, long) };
  return { format: resourceDictionary.format, input: lz4.compressSync(plain, resourceDictionary.bytes) };
}

/** Half of the time of the usual level, for 1 % more bytes. */
const long = { level: 4, chunkSize: 65_536 };

/** `input` is authentic: what it says of its own length may be believed. */
function expanded(format: number, input: Buffer): Buffer {
  switch (format) {
    case formatPlain:
      return input;
    case formatDeflated:
      return inflateRawSync(input, { chunkSize: Math.min(Math.max(input.length * 4, 1_024), 65_536) });
    case formerAuditEventDictionary.format:
      return inflateRawSync(input, { dictionary: formerAuditEventDictionary.bytes, chunkSize: 4_096 });
    case resourceDictionary.format:
      return lz4.uncompressSync(input, resourceDictionary.bytes);
    case auditEventDictionary.format:
      return unpackUuids(lz4.uncompressSync(input, auditEventDictionary.bytes));
    default:
      throw new Error(`No sealed box has the format ${format}.`);
  }
}

/** Format and key version are authenticated with the context. */
function additionalData(box: Buffer, context: string): Buffer {
  return Buffer.concat([box.subarray(0, ivOffset), Buffer.from(context)]);
}
