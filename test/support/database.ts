// A migrated database of its own for each test file, cloned from the run's template within a tenth of a second.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Config } from '../../src/config.ts';

export interface TestDatabase {
  /** As superuser; pools put role and password of their own in its place. */
  readonly url: string;
  drop(): Promise<void>;
}

/** Every database of a run shares its server's roles, and their passwords come from this key: use no other one with `migrate`. */
export const testRootKey: Buffer = Buffer.alloc(32, 'hpms test root key');
export const testKeys: Config['crypto'] = keysOfRoot(testRootKey);

/** A root key in memory with nothing beside it. */
export function keysOfRoot(rootKey: Buffer): Config['crypto'] {
  return { rootKey, root: { current: { kind: 'local', key: rootKey }, cacheMs: 3_600_000 } };
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const { serverUrl, template } = testServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(serverUrl, async (client) => {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    await copyRights(client, template, name);
  });
  return {
    url: databaseUrl(serverUrl, name),
    drop: () =>
      withClient(serverUrl, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

export interface TestServer {
  readonly serverUrl: string;
  readonly template: string;
}

/** What global-setup.ts found or started; the workers inherit it. */
export function testServer(): TestServer {
  const text = process.env.TEST_SERVER;
  if (!text) throw new Error('There is no test server; run the tests through jest.config.js.');
  return JSON.parse(text) as TestServer;
}

export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** The same over TCP, for whatever stands between: the embedded PostgreSQL listens there beside its Unix socket. */
export function overTcp(url: string): URL {
  const changed = new URL(url);
  if (/^%2f/i.test(changed.hostname)) changed.hostname = '127.0.0.1';
  return changed;
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** CREATE DATABASE copies everything but the rights on the database itself. */
async function copyRights(client: pg.Client, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ grantee: string; privilege: string }>(
    `SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee, privilege_type AS privilege
       FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = $1 AND grantee <> datdba`,
    [from],
  );
  await client.query(`REVOKE ALL ON DATABASE ${to} FROM PUBLIC`);
  for (const { grantee, privilege } of rows) await client.query(`GRANT ${privilege} ON DATABASE ${to} TO ${grantee}`);
}
