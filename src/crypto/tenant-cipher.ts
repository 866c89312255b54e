// What a tenant's keys do once they are unwrapped: encrypt and decrypt its rows, and turn index texts into keyed tokens.

import { createHmac, type KeyObject } from 'node:crypto';
import {
  type Compressed,
  type Compression,
  isTooShort,
  keyVersionOf,
  open,
  SealedBoxError,
  seal,
  sealCompressed,
} from './sealed-box.ts';

export interface TenantCipher {
  /** Of the keys: a greater one knows of others. */
  readonly epoch: number;
  /** What new boxes are sealed under. */
  readonly dataKeyVersion: number;
  /** Encrypts under the newest data key; the tenant's id is always part of the context. */
  seal(plain: Buffer, context: string, compression?: Compression): Buffer;
  /** The same of what is compressed already (compressed-form.ts). */
  sealCompressed(compressed: Compressed, context: string): Buffer;
  /** Throws SealedBoxError when it was sealed as anything else, or under another key. */
  open(box: Buffer, context: string): Buffer;
  /** The first 8 bytes of HMAC-SHA-256 under the index key that searches ask by, as PostgreSQL's bigint. */
  tokenOf(text: string): bigint;
  /** While the index key is rotated: the token that is stored beside `tokenOf`'s. Whoever stores tokens stores both. */
  readonly alsoTokenOf: ((text: string) => bigint) | undefined;
  /** Under the tenant's first index key, whatever is rotated: for what must be unique, and for locks. */
  fixedTokenOf(text: string): bigint;
}

export interface DataKey {
  readonly version: number;
  readonly key: KeyObject;
}

/** `asked`: searches ask by it. `written`: its tokens are stored too. `kept`: for what must be unique. */
export type IndexKeyUse = 'asked' | 'written' | 'kept';

export interface IndexKey {
  readonly version: number;
  readonly key: KeyObject;
  readonly use: IndexKeyUse;
}

export interface TenantKeys {
  readonly epoch: number;
  readonly data: readonly DataKey[];
  readonly index: readonly IndexKey[];
}

export interface CipherHooks {
  readonly beforeSeal: () => void;
  /** A box names a version of the key that is not among these. */
  readonly onUnknownKey: () => void;
}

/** Codes and statuses come again and again; an HMAC costs as much as some whole lookups. */
const tokensCachedMax = 20_000;
const cacheableLengthMax = 120;

/** Another process has made a newer key: whoever asks the key ring again gets a cipher that has it. */
export class UnknownKeyVersionError extends Error {
  override readonly name = 'UnknownKeyVersionError';
}

export function createTenantCipher(
  tenantId: number,
  { epoch, data, index }: TenantKeys,
  { beforeSeal, onUnknownKey }: CipherHooks,
): TenantCipher {
  const keys = new Map(data.map(({ version, key }) => [version, key]));
  const newest = data.reduce((a, b) => (b.version > a.version ? b : a));
  const first = index.reduce((a, b) => (b.version < a.version ? b : a));
  const [asked, written] = (['asked', 'written'] as const).map((use) => index.find((key) => key.use === use));
  if (!asked) throw new Error(`Tenant ${tenantId} has no index key.`);
  const tokenOf = createTokens(asked.key);
  return {
    epoch,
    dataKeyVersion: newest.version,
    seal(plain, context, compression) {
      beforeSeal();
      return seal(newest.key, newest.version, plain, `${tenantId}|${context}`, compression);
    },
    sealCompressed(compressed, context) {
      beforeSeal();
      return sealCompressed(newest.key, newest.version, compressed, `${tenantId}|${context}`);
    },
    open(box, context) {
      const what = `${context} of tenant ${tenantId} does not open`;
      if (isTooShort(box)) throw new SealedBoxError(`${what}: it is too short.`);
      const version = keyVersionOf(box);
      const key = keys.get(version);
      if (!key) {
        onUnknownKey();
        throw new UnknownKeyVersionError(`${what}: its data key version ${version} is missing.`);
      }
      try {
        return open(key, box, `${tenantId}|${context}`);
      } catch (cause) {
        const why = 'it was changed, or sealed for another place';
        throw new SealedBoxError(`${what} under its data key ${version}: ${why}.`, { cause });
      }
    },
    tokenOf,
    alsoTokenOf: written && createTokens(written.key),
    fixedTokenOf: first === asked ? tokenOf : createTokens(first.key),
  };
}

function createTokens(key: KeyObject): (text: string) => bigint {
  const tokens = new Map<string, bigint>();
  return (text) => {
    const known = tokens.get(text);
    if (known !== undefined) return known;
    const token = createHmac('sha256', key).update(text).digest().readBigInt64BE(0);
    if (text.length <= cacheableLengthMax) {
      if (tokens.size >= tokensCachedMax) tokens.clear();
      tokens.set(text, token);
    }
    return token;
  };
}
