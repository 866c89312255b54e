// `npm run upgrade-database` on a cluster of an older PostgreSQL, with what is stored in it read before and after over HTTP.

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { majorOfCluster } from '../../src/database/embedded-cluster.ts';
import { findPlace } from '../../src/database/embedded-place.ts';
import { migrate } from '../../src/database/migrate.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { FaultBed, waitFor } from '../faults/bed.ts';
import { findProblems } from '../faults/checker.ts';
import { Load } from '../faults/load.ts';
import { testRootKey } from '../support/database.ts';
import { describeWith } from '../support/machine.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const command = path.join(import.meta.dirname, '../../src/commands/upgrade-database.ts');
const password = rolePassword(testRootKey, 'postgres');
const log = () => undefined;

describeWith('olderPostgres', 'a cluster of an older PostgreSQL', (binaries) => {
  const dataDir = makeTemporaryFolder();
  const { cluster, user } = findPlace(dataDir);
  const major = Number(/(\d+)\/bin$/.exec(binaries)?.[1]);
  let bed: FaultBed;
  let load: Load;
  beforeAll(async () => {
    makeCluster();
    const old = await startEmbeddedPostgres({ dataDir, password, log, binaries });
    await migrate({ databaseUrl: old.url, rootKey: testRootKey });
    bed = await FaultBed.open({ url: old.url, drop: async () => undefined });
    const app = await bed.start();
    load = await Load.open(bed);
    load.start(4);
    await waitFor('traffic', () => load.intents.length > 100);
    await load.stop();
    await app.close();
    await old.stop();
  });
  afterAll(async () => {
    await bed.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('is not started by a newer one, which says what to do', async () => {
    expect(majorOfCluster(cluster)).toBe(major);
    await expect(startEmbeddedPostgres({ dataDir, password, log })).rejects.toThrow('npm run upgrade-database');
  });

  test('is moved, and everything is there: rows, AuditEvents, what clients were answered', async () => {
    const env = { PATH: process.env.PATH, HPMS_DATA_DIR: dataDir, ROOT_KEY: testRootKey.toString('hex') };
    const { stdout } = await run(process.execPath, [command, '--binaries', binaries], { env });
    expect(stdout).toContain('The database is now one of PostgreSQL 18.');
    expect([majorOfCluster(cluster), majorOfCluster(`${cluster}.${major}`)]).toEqual([18, major]);
    expect(existsSync(path.join(dataDir, 'upgrade'))).toBe(false);
    const server = await startEmbeddedPostgres({ dataDir, password, log });
    Object.assign(bed, { database: { url: server.url, drop: async () => undefined } });
    const app = await bed.start();
    expect(await findProblems(bed, load.intents)).toEqual([]);
    const [hidden] = await bed.sql<{ count: number }>(
      'SELECT count(*)::integer FROM store.resource WHERE tx >= pg_snapshot_xmin(pg_current_snapshot())',
    );
    expect(hidden).toEqual({ count: 0 });
    await app.close();
    await server.stop();
    await expect(run(process.execPath, [command], { env })).rejects.toThrow('is one of PostgreSQL 18 already');
  });

  test('an exchange that was interrupted between its steps is finished by the next start', async () => {
    renameSync(cluster, `${cluster}.upgraded`);
    const server = await startEmbeddedPostgres({ dataDir, password, log });
    Object.assign(bed, { database: { url: server.url, drop: async () => undefined } });
    expect(await bed.sql('SELECT name FROM store.tenant ORDER BY id')).toEqual([
      { name: 'clinic-a' },
      { name: 'clinic-b' },
    ]);
    await server.stop();
  });

  /** As an older HPMS has made it, but for the collation, which 15 does not have. */
  function makeCluster(): void {
    mkdirSync(cluster, { mode: 0o700, recursive: true });
    const passwordFile = path.join(dataDir, 'password');
    writeFileSync(passwordFile, password);
    if (user) for (const file of [cluster, passwordFile]) chownSync(file, user.uid, user.gid);
    const args = [
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--data-checksums',
      '--username=postgres',
    ];
    const { status, stderr } = spawnSync(
      path.join(binaries, 'initdb'),
      [`--pgdata=${cluster}`, `--pwfile=${passwordFile}`, ...args],
      {
        ...user,
        cwd: '/',
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(stderr);
    rmSync(passwordFile);
    execFileSync('chmod', ['700', cluster]);
  }
});
