// The key that signs heads: one of the installation, made once, stored wrapped by the root key.

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { type RootKeys, unwrapKey } from '../../crypto/root-keys.ts';
import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';

export interface SealKey {
  /** The public key, as `x` of its JWK. */
  readonly key: string;
  sign(bytes: Buffer): Buffer;
}

/**
 * No tenant has this number. The key is of the installation: it must outlive the keys of a tenant that is shredded, whose
 * last events are sealed afterwards, and one public key is what auditors of all tenants keep.
 */
const installation = 0;
const name = { tenantId: installation, purpose: 'seal', version: 1 } as const;
/** What stands before the 32 bytes of a private key of Ed25519 in its PKCS #8 form: https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes the key when there is none, and wraps it by the root key of today when it is wrapped by an earlier one. */
export async function openSealKey(tenantDoor: TenantDoor, roots: RootKeys): Promise<SealKey> {
  const row = (await readRow(tenantDoor)) ?? (await makeRow(tenantDoor, roots));
  const seed = await unwrapKey(roots, { ...name, ...row });
  if (row.root !== roots.current.id) await rewrap(tenantDoor, roots, seed);
  return toSealKey(seed);
}

/** Undefined where none was made: nothing was ever sealed here, or somebody took it away. */
export async function findSealKey(tenantDoor: TenantDoor, roots: RootKeys): Promise<string | undefined> {
  const row = await readRow(tenantDoor);
  return row && toSealKey(await unwrapKey(roots, { ...name, ...row })).key;
}

interface KeyRow {
  readonly wrapped: Buffer;
  readonly root: string;
}

function toSealKey(seed: Buffer): SealKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  return { key: publicPart(privateKey), sign: (bytes) => sign(null, bytes, privateKey) };
}

function publicPart(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'jwk' }).x as string;
}

async function readRow(tenantDoor: TenantDoor): Promise<KeyRow | undefined> {
  return await tenantDoor(installation, selectRow, 'read');
}

async function selectRow(trx: TenantTransaction): Promise<KeyRow | undefined> {
  const rows = await trx.query<KeyRow>({
    text: 'SELECT wrapped, root FROM seal_key WHERE version = $1',
    values: [name.version],
  });
  return rows[0];
}

/** Of two processes that make one at once, the first one's is the key. */
async function makeRow(tenantDoor: TenantDoor, { current }: RootKeys): Promise<KeyRow> {
  await current.prepare(installation);
  const wrapped = await current.wrap(randomBytes(32), name);
  const row = await tenantDoor(installation, (trx) => {
    trx.execute({
      text: 'INSERT INTO seal_key (version, wrapped, root) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      values: [name.version, wrapped, current.id],
    });
    return selectRow(trx);
  });
  return row as KeyRow;
}

async function rewrap(tenantDoor: TenantDoor, { current }: RootKeys, seed: Buffer): Promise<void> {
  await current.prepare(installation);
  const wrapped = await current.wrap(seed, name);
  await tenantDoor(installation, async (trx) => {
    trx.execute({
      text: 'UPDATE seal_key SET wrapped = $2, root = $3 WHERE version = $1',
      values: [name.version, wrapped, current.id],
    });
  });
}
