// The steps of aging are the same in statements, which reckon them, and in the aging of all, which the database adds up (domain.md `$statement`).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bucketOf, buckets, bucketTests } from '../../../src/clinic/reports/buckets.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a debt is in one step, by the days since its Invoice was issued, up to and with the 30th, 60th and 90th', async () => {
  const today = '2026-03-01';
  const chosen = bucketTests('days').map((sql, index) => `WHEN ${sql} THEN '${buckets[index]}'`);
  const counts = bucketTests('days').map((sql) => `(${sql})::int`);
  const { rows } = await withClient(database.url, (client) =>
    client.query<{ day: string; bucket: string; steps: number }>(
      `SELECT (date '${today}' - days)::text AS day, CASE ${chosen.join(' ')} END AS bucket, ${counts.join(' + ')} AS steps
       FROM generate_series(-2, 400) AS days`,
    ),
  );
  expect(rows).toHaveLength(403);
  for (const { day, bucket, steps } of rows) expect([day, bucket, steps]).toEqual([day, bucketOf(day, today), 1]);
  const bucketAfter = (days: number) => rows[days + 2]?.bucket;
  expect([0, 30, 31, 60, 61, 90, 91, 400].map(bucketAfter)).toEqual([
    '0-30',
    '0-30',
    '31-60',
    '31-60',
    '61-90',
    '61-90',
    '90+',
    '90+',
  ]);
});
