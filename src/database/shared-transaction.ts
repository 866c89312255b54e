// The operator's door to schema `shared`, which all tenants read and none writes: a transaction as the owner of the schemas.

import pg from 'pg';
import type { Statement } from './statement.ts';
import type { Transaction } from './transaction.ts';

/** `databaseUrl` is that of `npm run migrate`: of a role that is a member of hpms_owner. It sees no tenant's rows. */
export async function inSharedTransaction<T>(databaseUrl: string, work: (trx: Transaction) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  let failure: unknown;
  let last: Promise<unknown> = Promise.resolve();
  const query = <Row>({ text, values = [] }: Statement): Promise<Row[]> => {
    const rows = last.then(async () => (await client.query(text, [...values])).rows as Row[]);
    last = rows.catch((error: unknown) => {
      failure ??= error;
    });
    return rows;
  };
  const trx: Transaction = {
    query,
    execute(statement) {
      query(statement).catch(() => undefined);
    },
  };
  try {
    await client.query('SET ROLE hpms_owner; BEGIN');
    const result = await work(trx);
    await last;
    if (failure !== undefined) throw failure;
    await client.query('COMMIT');
    return result;
  } finally {
    await client.end();
  }
}
