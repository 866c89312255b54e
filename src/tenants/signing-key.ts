// The keys a tenant signs its tokens with, one for each algorithm, stored encrypted under its data key; JWK is RFC 7517.

import { generateKeyPair, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';

type Algorithm = typeof signingAlgorithm | typeof identityAlgorithm;

export interface SigningKey extends JsonWebKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly use: 'sig';
}

/** Of access tokens. Signing costs a fiftieth of RS256, which weighs more here than its faster verification: that one is cached. */
export const signingAlgorithm = 'ES256';

/** Of id_tokens, which apps verify: the one that every app must know (OpenID Connect Core, section 15.1). */
export const identityAlgorithm = 'RS256';

/** With the tenant; the other key is made when it is first needed. */
export function createSigningKey(trx: TenantTransaction, cipher: TenantCipher): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kid, sealed } = sealKey(cipher, privateKey, signingAlgorithm);
  trx.execute({
    text: 'INSERT INTO signing_key (kid, algorithm, private_key) VALUES ($1, $2, $3)',
    values: [kid, signingAlgorithm, sealed],
  });
}

/** Where there is none. Whoever else makes it at this moment waits at the first key's row, and then finds it made. */
export async function createIdentityKey(door: TenantDoor, tenantId: number, cipher: TenantCipher): Promise<void> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 });
  const { kid, sealed } = sealKey(cipher, privateKey, identityAlgorithm);
  await door(tenantId, async (trx) => {
    trx.execute({ text: 'SELECT 1 FROM signing_key FOR UPDATE' });
    trx.execute({
      text: `INSERT INTO signing_key (kid, algorithm, private_key)
             SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE algorithm = $2)`,
      values: [kid, identityAlgorithm, sealed],
    });
  });
}

function sealKey(cipher: TenantCipher, privateKey: KeyObject, alg: Algorithm) {
  const kid = randomUUID();
  const jwk: SigningKey = { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, sealed: cipher.seal(Buffer.from(JSON.stringify(jwk)), sealContext(kid)) };
}

/** Of the keys there are. */
export async function signingAlgorithms(trx: TenantTransaction): Promise<string[]> {
  const rows = await trx.query<{ algorithm: string }>({ text: 'SELECT DISTINCT algorithm FROM signing_key' });
  return rows.map(({ algorithm }) => algorithm);
}

/** Private keys, newest first. */
export async function readSigningKeys(trx: TenantTransaction, cipher: TenantCipher): Promise<SigningKey[]> {
  const rows = await trx.query<{ kid: string; private_key: Buffer }>({
    text: 'SELECT kid, private_key FROM signing_key ORDER BY created_at DESC, kid',
  });
  return rows.map((row) => JSON.parse(cipher.open(row.private_key, sealContext(row.kid)).toString()) as SigningKey);
}

function sealContext(kid: string): string {
  return `signing_key|${kid}`;
}

export const signingKeyColumn: SealedColumn = {
  ...{ table: 'signing_key', column: 'private_key', key: [{ name: 'kid', type: 'text' }] },
  contextOf: ([kid = '']) => sealContext(kid),
};
