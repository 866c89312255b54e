// What is sealed is found among all AuditEvents of its clinic without looking through these, however many there are

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { findUnsealed, momentOf } from '../../../src/audit/seal/find-unsealed.ts';
import { unsealedRows } from '../../../src/audit/seal/seal-rows.ts';
import { connectionSettings } from '../../../src/database/pool.ts';
import { readingOf } from '../../search/plan-rows.ts';
import { testRootKey } from '../../support/database.ts';
import { makeSealWorld, type SealWorld } from './seal-world.ts';

const others = 30_000;
const unsealed = 100;

let world: SealWorld;
let client: pg.Client;
beforeAll(async () => {
  world = await makeSealWorld();
  client = new pg.Client(connectionSettings({ databaseUrl: world.url, role: 'hpms_app', rootKey: testRootKey }));
  await client.connect();
  // As in the first minute of a month, when PostgreSQL has not yet counted what there is.
  await world.tenantDoor(world.a, async (trx) =>
    trx.execute({
      text: `INSERT INTO audit_event (last_updated, id, content, tokens)
             SELECT date_trunc('month', now()) + n * interval '1 s', 'other' || n, '\\x00', '{}'
             FROM generate_series(1, $1::int) AS n`,
      values: [others],
    }),
  );
});
afterAll(async () => {
  await client.end();
  await world.close();
});

test.each(['force_generic_plan', 'auto'] as const)(
  'the events of a transaction are read by their time and no others: %s',
  async (mode) => {
    const since = await world.systemDoor(momentOf);
    await world.record(world.a, unsealed);
    const part = { since, until: await world.systemDoor(momentOf), after: undefined, countMin: 1_000 };
    const found = await world.systemDoor((trx) => findUnsealed(trx, part));
    expect(found).toHaveLength(1);

    const { text, values = [] } = unsealedRows(found);
    const [transactions, low, high] = values as [string, Date, Date];
    const run = { tenantId: world.a, values: [transactions, low.toISOString(), high.toISOString()] };
    const reading = await readingOf(client, {
      statement: { name: 'unsealed', text, values: [] },
      mode,
      planned: { ...run, tenantId: world.b },
      measured: run,
    });
    expect(reading.rows).toBe(unsealed);
    expect(reading.bitmapEntries).toBeLessThan(3 * unsealed);
  },
);
