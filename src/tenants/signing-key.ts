// The key a tenant signs its tokens with: made with the tenant, stored encrypted under its data key; JWK is RFC 7517.

import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';

export interface SigningKey extends JsonWebKey {
  readonly kid: string;
  readonly alg: typeof signingAlgorithm;
  readonly use: 'sig';
}

/** Signing costs a fiftieth of RS256, which weighs more here than its faster verification: that one is cached. */
export const signingAlgorithm = 'ES256';

export function createSigningKey(trx: TenantTransaction, cipher: TenantCipher): void {
  const kid = randomUUID();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk: SigningKey = { ...privateKey.export({ format: 'jwk' }), kid, alg: signingAlgorithm, use: 'sig' };
  trx.execute({
    text: 'INSERT INTO signing_key (kid, algorithm, private_key) VALUES ($1, $2, $3)',
    values: [kid, signingAlgorithm, cipher.seal(Buffer.from(JSON.stringify(jwk)), sealContext(kid))],
  });
}

export async function hasSigningKey(trx: TenantTransaction): Promise<boolean> {
  return (await trx.query({ text: 'SELECT 1 FROM signing_key LIMIT 1' })).length > 0;
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
