// What a tenant's keys do once they are unwrapped: encrypt and decrypt its rows, and turn index texts into keyed tokens.

import { createHmac, type KeyObject } from 'node:crypto';
import { keyVersionOf, open, seal } from './sealed-box.ts';

export interface TenantCipher {
  /** Encrypts under the newest data key; the tenant's id is always part of the context. */
  seal(plain: Buffer, context: string): Buffer;
  open(box: Buffer, context: string): Buffer;
  /** The first 8 bytes of HMAC-SHA-256 under the tenant's index key, as PostgreSQL's bigint. */
  tokenOf(text: string): bigint;
}

export interface DataKey {
  readonly version: number;
  readonly key: KeyObject;
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
  dataKeys: readonly DataKey[],
  indexKey: KeyObject,
  { beforeSeal, onUnknownKey }: CipherHooks,
): TenantCipher {
  const keys = new Map(dataKeys.map(({ version, key }) => [version, key]));
  const newest = dataKeys.reduce((a, b) => (b.version > a.version ? b : a));
  const tokens = new Map<string, bigint>();
  return {
    seal(plain, context) {
      beforeSeal();
      return seal(newest.key, newest.version, plain, `${tenantId}|${context}`);
    },
    open(box, context) {
      const version = keyVersionOf(box);
      const key = keys.get(version);
      if (!key) {
        onUnknownKey();
        throw new UnknownKeyVersionError(`Data key version ${version} of tenant ${tenantId} is missing.`);
      }
      return open(key, box, `${tenantId}|${context}`);
    },
    tokenOf(text) {
      const known = tokens.get(text);
      if (known !== undefined) return known;
      const token = createHmac('sha256', indexKey).update(text).digest().readBigInt64BE(0);
      if (text.length <= cacheableLengthMax) {
        if (tokens.size >= tokensCachedMax) tokens.clear();
        tokens.set(text, token);
      }
      return token;
    },
  };
}
