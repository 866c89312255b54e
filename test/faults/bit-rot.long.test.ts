// One flipped byte in a page or in a stored body: the resource is named, its neighbours are served, and a backup says so (fault 38).

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withClient } from '../../src/commands/backup/database-facts.ts';
import { makeBackupFolder } from '../../src/commands/backup/manifest.ts';
import { openRows } from '../../src/commands/backup/open-rows.ts';
import { writePhysical } from '../../src/commands/backup/write-physical.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { findCluster } from '../../src/database/embedded-place.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDoors } from '../../src/doors.ts';
import { createDirectoryObjectStore } from '../../src/gateways/directory-object-store.ts';
import { buildPatient } from '../support/builders.ts';
import { testKeys, testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { FaultBed } from './bed.ts';

const pageBytes = 8_192;
/** More than fit into one page. */
const patients = 60;

describe('bit rot', () => {
  const root = makeTemporaryFolder();
  const dataDir = path.join(root, 'data');
  let port: number;
  let server: EmbeddedPostgres;
  let bed: FaultBed;
  const ids: string[] = [];
  const start = () => startEmbeddedPostgres({ dataDir, port, password: 'test', log: () => undefined });
  beforeAll(async () => {
    port = await freePort();
    server = await start();
    await migrate({ databaseUrl: server.url, rootKey: testRootKey });
    bed = await FaultBed.open({ url: server.url, drop: async () => undefined });
    await bed.start();
    for (let made = 0; made < patients; made++) ids.push((await bed.a.create(buildPatient())).id);
  });
  afterAll(async () => {
    await bed.close();
    await server.stopImmediately();
    rmSync(root, { recursive: true, force: true });
  });

  test('in a stored body: that resource is 500 and named in the log, others are served, and a look at all names it', async () => {
    const [, rotten, whole] = ids as [string, string, string];
    // As a disk would: past every trigger and right.
    await bed.sql(
      `UPDATE store.resource SET content = set_byte(content, 40, get_byte(content, 40) # 1) WHERE id = $1`,
      [rotten],
    );
    const answer = await bed.a.request('GET', `/Patient/${rotten}`);
    expect([answer.status, answer.text.includes('Berg')]).toEqual([500, false]);
    expect(bed.logged.filter(({ level }) => level >= 50)).not.toEqual([]);
    expect((await bed.a.request('GET', `/Patient/${whole}`)).status).toBe(200);
    const doors = openDoors({ databaseUrl: server.url, ...testKeys, onIdleError: () => undefined });
    const objectStore = createDirectoryObjectStore(path.join(bed.dataDir, 'objects'));
    const found = await withClient(server.url, (client) =>
      openRows({ client, keyRing: doors.keyRing, objectStore, progress: () => undefined }),
    );
    await doors.close();
    expect(found.damaged).toEqual([`clinic-a: Patient/${rotten} version 1`]);
    expect(found.opened).toBeGreaterThan(patients);
  });

  test('in a page: it is refused by its checksum, other pages are served, and no backup is made of it', async () => {
    const [row] = await bed.sql<{ file: string; page: number }>(
      `SELECT pg_relation_filepath('store.resource') AS file, (ctid::text::point)[0]::integer AS page
       FROM store.resource WHERE id = $1`,
      [ids.at(-1)],
    );
    const { rows: elsewhere } = await withClient(server.url, (client) =>
      client.query<{ id: string }>(
        'SELECT id FROM store.resource WHERE id = ANY ($1) AND (ctid::text::point)[0]::integer <> $2',
        [ids.slice(2), row!.page],
      ),
    );
    expect(elsewhere.length).toBeGreaterThan(0);
    await server.stop();
    flip(path.join(findCluster(dataDir), row!.file), row!.page * pageBytes + pageBytes - 100);
    server = await start();
    const rotten = await bed.a.request('GET', `/Patient/${ids.at(-1)}`);
    expect(rotten.status).toBeGreaterThanOrEqual(500);
    expect((await bed.a.request('GET', `/Patient/${elsewhere[0]!.id}`)).status).toBe(200);
    const folder = path.join(root, 'backup');
    await makeBackupFolder(folder);
    const options = {
      databaseUrl: server.url,
      dataDir: bed.dataDir,
      rootKey: testRootKey,
      folder,
      progress: () => undefined,
    };
    await expect(writePhysical(options)).rejects.toThrow(/damaged: .*checksum/);
  });
});

function flip(file: string, at: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  closeSync(descriptor);
}
