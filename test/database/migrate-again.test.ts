// Migrating what another run has left half-way, and by an operator with the wrong key: security.md, fault 28; README, Real use 4.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectionSettings } from '../../src/database/pool.ts';
import { openDoors } from '../../src/doors.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { createTestDatabase, type TestDatabase, testRootKey, withClient } from '../support/database.ts';
import { runCommand } from '../support/run-command.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const root = { current: { kind: 'local', key: testRootKey }, cacheMs: 60_000 } as const;
  const doors = openDoors({ databaseUrl: database.url, rootKey: testRootKey, root, onIdleError: () => undefined });
  await createTenant(doors, { name: 'clinic' });
  await doors.close();
});
afterAll(() => database.drop());

const sql = (text: string) => withClient(database.url, (client) => client.query(text));

test('a run that was killed leaves no lock that holds up the next one', async () => {
  await sql("UPDATE public.migration_lock SET is_locked = 1; DELETE FROM public.migration WHERE name LIKE '0050%'");
  await sql('DROP INDEX store.outbox_pending_of_tenant');
  const { code, stdout, stderr } = await runCommand('migrate', [], database.url);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/migrated 0050.*\nThe database is up to date/s);
});

describe('with another root key', () => {
  test('nothing is changed: those who run go on, and the sentence says which setting it is', async () => {
    const env = { ROOT_KEY: Buffer.alloc(32, 7).toString('base64') };
    const { code, stderr } = await runCommand('migrate', [], database.url, env);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^The \w+ key 1 of tenant \d+ does not open under .* Are ROOT_KEY and KEY_DIR those of this database\?\n$/,
    );
    const settings = connectionSettings({ databaseUrl: database.url, rootKey: testRootKey, role: 'hpms_app' });
    const client = new pg.Client(settings);
    await client.connect();
    await client.end();
  });
});

test.each([
  ['a wrong password', { password: 'wrong' }, /^The database lets nobody in like this .*DATABASE_URL/],
  ['a database that is not there', { pathname: '/none' }, /^The database of DATABASE_URL is not there/],
  [
    'a port where nothing listens',
    { hostname: '127.0.0.1', port: '1' },
    /^The database does not answer .*DATABASE_URL/,
  ],
])('%s is told in one sentence', async (_, parts, expected) => {
  const url = Object.assign(new URL(database.url), parts);
  const { code, stderr } = await runCommand('migrate', [], url.href);
  expect(code).toBe(1);
  expect(stderr).toMatch(expected);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
