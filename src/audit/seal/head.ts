// A head says what a tenant's tree was at a time, names the head before it, and is signed with Ed25519: https://www.rfc-editor.org/rfc/rfc8032

import { createPublicKey, verify } from 'node:crypto';
import { sha256 } from './merkle.ts';

export interface Head {
  readonly tenantId: number;
  /** The number of events sealed so far. */
  readonly size: number;
  readonly root: Buffer;
  /** Of the head before it; empty for the first. */
  readonly prevHash: Buffer;
  readonly at: Date;
  /** The public key itself, as `x` of its JWK (RFC 8037). */
  readonly key: string;
  readonly signature: Buffer;
}

export type UnsignedHead = Omit<Head, 'signature'>;

/** Lines of which none can hold a line's end. */
export function signedBytes({ tenantId, size, root, prevHash, at, key }: UnsignedHead): Buffer {
  const lines = [tenantId, size, root.toString('hex'), prevHash.toString('hex'), at.toISOString(), key];
  return Buffer.from(`hpms audit head 1\n${lines.join('\n')}\n`);
}

/** With the signature, so that the last one vouches for all before it. */
export function headHash(head: Head): Buffer {
  return sha256(Buffer.concat([signedBytes(head), head.signature]));
}

/** Whether the key it names has signed it; whose key that is, is another question. */
export function isSigned(head: Head): boolean {
  return isSignedBy(head.key, signedBytes(head), head.signature);
}

export function isSignedBy(key: string, bytes: Buffer, signature: Buffer): boolean {
  try {
    return verify(null, bytes, createPublicKey({ key: publicJwk(key), format: 'jwk' }), signature);
  } catch {
    // No key at all.
    return false;
  }
}

export function publicJwk(key: string): { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string } {
  return { kty: 'OKP', crv: 'Ed25519', x: key };
}
