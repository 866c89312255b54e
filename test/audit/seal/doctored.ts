// What somebody who may do anything in the database could have done, in a transaction that is rolled back once it was verified.

import { generateKeyPairSync, sign } from 'node:crypto';
import type pg from 'pg';
import type { FoundEvents } from '../../../src/audit/seal/find-unsealed.ts';
import type { SealKey } from '../../../src/audit/seal/seal-key.ts';
import { sealRows } from '../../../src/audit/seal/seal-rows.ts';
import { type VerifyTreeOptions, verifyTree } from '../../../src/audit/seal/verify/verify-tree.ts';
import type { Statement } from '../../../src/database/statement.ts';
import type { TenantTransaction } from '../../../src/database/tenant-transaction.ts';

export interface Surgeon {
  /** As superuser, past all triggers. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Makes leaves and heads anew from the rows that there are, in the order of their times. */
  sealAnew(key: SealKey): Promise<void>;
}

/** What the verifier says of one tenant after `operate`: the difference it names, or `sound`. */
export async function verdictOf(
  client: pg.Client,
  tenantId: number,
  options: VerifyTreeOptions,
  operate: (surgeon: Surgeon) => Promise<void>,
): Promise<string> {
  await client.query('BEGIN');
  try {
    await client.query('SET LOCAL session_replication_role = replica; SET LOCAL search_path = tenant');
    await client.query("SELECT set_config('hpms.tenant_id', $1, true)", [String(tenantId)]);
    const trx = transactionOn(client, tenantId);
    const query: Surgeon['query'] = async (text, values = []) => (await client.query(text, [...values])).rows as never;
    await operate({
      query,
      async sealAnew(key) {
        await query('DELETE FROM store.seal_leaves WHERE tenant_id = $1', [tenantId]);
        await query('DELETE FROM store.seal_head WHERE tenant_id = $1', [tenantId]);
        const found = await query<FoundEvents>(
          `SELECT tenant_id AS "tenantId", tx::text AS tx, count(*)::int AS count, min(last_updated) AS oldest,
             max(last_updated) AS newest FROM store.audit_event WHERE tenant_id = $1 GROUP BY tenant_id, tx`,
          [tenantId],
        );
        await sealRows(
          { tenantDoor: (_, work) => work(trx), key, now: () => new Date() },
          { tenantId, found, sealedUntil: '' },
        );
      },
    });
    await client.query('SET LOCAL ROLE hpms_app');
    return await verifyTree(trx, options).then(
      () => 'sound',
      (error: Error) => (error.name === 'SealDifference' ? error.message : String(error.stack)),
    );
  } finally {
    await client.query('ROLLBACK');
  }
}

function transactionOn(client: pg.Client, tenantId: number): TenantTransaction {
  let last: Promise<unknown> = Promise.resolve();
  const query = <Row>({ text, values = [] }: Statement): Promise<Row[]> => {
    const rows = last.then(async () => (await client.query(text, [...values])).rows as Row[]);
    last = rows.catch(() => undefined);
    return rows;
  };
  // What fails here fails whatever comes behind it in the transaction.
  return { tenantId, query, execute: (statement) => void query(statement).catch(() => undefined) };
}

/** Of somebody who has not got the root key. */
export function strangersKey(): SealKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { key: publicKey.export({ format: 'jwk' }).x as string, sign: (bytes) => sign(null, bytes, privateKey) };
}
