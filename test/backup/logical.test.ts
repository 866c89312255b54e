// A logical backup: the rows of all tables into an empty database, on this server or another.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findWrongFiles } from '../../src/commands/backup/check-files.ts';
import { loadLogical } from '../../src/commands/backup/load-logical.ts';
import { countRows, readTables } from '../../src/commands/backup/logical-tables.ts';
import { type Manifest, makeBackupFolder } from '../../src/commands/backup/manifest.ts';
import { writeLogical } from '../../src/commands/backup/write-logical.ts';
import { buildPatient } from '../support/builders.ts';
import { databaseUrl, testRootKey, testServer, withClient } from '../support/database.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const silent = () => undefined;
const root = makeTemporaryFolder();
const folder = path.join(root, 'backup');
const name = `test_restored_${process.pid}`;
const restoredUrl = databaseUrl(testServer().serverUrl, name);
const onServer = (text: string) => withClient(testServer().serverUrl, (client) => client.query(text));

let server: TestServer;
let manifest: Manifest;
let patient: { readonly id: string; readonly meta: { readonly lastUpdated: string } };
beforeAll(async () => {
  server = await startTestServer();
  patient = (await server.a.request('POST', '/Patient', buildPatient())).json;
  await server.a.request('PUT', `/Patient/${patient.id}`, { ...patient, active: false });
  // A month that no restored server would make a place for by itself.
  await withClient(server.database.url, async (client) => {
    await client.query(`
      CREATE TABLE store.history_2020_01 PARTITION OF store.history FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z');
      INSERT INTO store.history (tenant_id, type, id, version_id, last_updated, deleted)
        VALUES (${server.a.id}, 'Patient', 'old', 1, '2020-01-15Z', true);`);
  });
  await makeBackupFolder(folder);
  const { url } = server.database;
  manifest = await writeLogical({ databaseUrl: url, rootKey: testRootKey, folder, progress: silent });
  await onServer(`CREATE DATABASE ${name}`);
});
afterAll(async () => {
  await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

describe('a logical backup', () => {
  test('is whole by its own list', async () => {
    expect(await findWrongFiles({ folder, manifest, rootKey: testRootKey }, silent)).toEqual([]);
    expect(manifest.tables?.map(({ name }) => name)).toContain('store.audit_event');
  });

  test('fills an empty database with every row of every table, earlier months included', async () => {
    await loadLogical({ databaseUrl: restoredUrl, rootKey: testRootKey, folder, manifest, progress: silent });
    const counts = await withClient(restoredUrl, async (client) => countRows(client, await readTables(client)));
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries((manifest.tables ?? []).map(({ name, rows }) => [name, rows])),
    );
    expect(counts.get('store.history')).toBe(2);
    await withClient(restoredUrl, async (client) => {
      const walls = await client.query(
        `SELECT relrowsecurity AS enabled, relforcerowsecurity AS forced, pg_get_userbyid(relowner) AS owner
         FROM pg_class WHERE oid = 'store.history_2020_01'::regclass`,
      );
      expect(walls.rows).toEqual([{ enabled: true, forced: true, owner: 'hpms_owner' }]);
      await expect(client.query('TRUNCATE store.history_2020_01')).rejects.toThrow('written once');
    });
  });

  test('leaves no row that readers of what has changed would wait for for ever', async () => {
    // Not xmin: transactions of other tests are under way in the same cluster.
    const { rows } = await withClient(restoredUrl, (client) =>
      client.query(
        `SELECT count(*)::integer AS hidden FROM (SELECT tx FROM store.resource UNION ALL SELECT tx FROM store.history
           UNION ALL SELECT tx FROM store.audit_event) AS rows WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())`,
      ),
    );
    expect(rows).toEqual([{ hidden: 0 }]);
  });

  test('goes on counting tenants where the other has stopped', async () => {
    const { rows } = await withClient(restoredUrl, (client) =>
      client.query("INSERT INTO store.tenant (name, display) VALUES ('next', 'Next') RETURNING id"),
    );
    expect(rows[0].id).toBeGreaterThan(server.b.id);
  });

  test('is not written over an HPMS that is there', async () => {
    const options = { databaseUrl: server.database.url, rootKey: testRootKey, folder, manifest, progress: silent };
    await expect(loadLogical(options)).rejects.toThrow('a backup needs an empty one');
    const { status } = await send(`${server.origin}/readyz`, 'GET');
    expect(status).toBe(200);
  });
});
