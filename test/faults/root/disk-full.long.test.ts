// The disk of the data is full, and then that of the log too: writes are refused, reads too where they leave no trace, and nothing is lost (faults 10 and 11).

import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, rmSync, statfsSync, symlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/database/embedded.ts';
import { findCluster, findPlace, giveTo } from '../../../src/database/embedded-place.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { testRootKey } from '../../support/database.ts';
import { freePort } from '../../support/free-port.ts';
import { describeWith } from '../../support/machine.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { FaultBed, waitFor } from '../bed.ts';
import { countStatuses, findProblems } from '../checker.ts';
import { bundleOf, Load } from '../load.ts';

const lanes = 6;
const diskMegabytes = 260;

describeWith('root', 'a disk that is full', () => {
  const root = makeTemporaryFolder();
  const disks = { data: path.join(root, 'data'), log: path.join(root, 'log') };
  const dataDir = path.join(disks.data, 'hpms');
  let port: number;
  let server: EmbeddedPostgres;
  let bed: FaultBed;
  let load: Load;
  const start = () => startEmbeddedPostgres({ dataDir, port, password: 'test', log: () => undefined });
  beforeAll(async () => {
    for (const disk of Object.values(disks)) {
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=711`, 'tmpfs', disk]);
    }
    port = await freePort();
    await (await start()).stop();
    moveLog();
    server = await start();
    await migrate({ databaseUrl: server.url, rootKey: testRootKey });
    bed = await FaultBed.open({ url: server.url, drop: async () => undefined });
    await bed.start();
    load = await Load.open(bed);
  });
  afterAll(async () => {
    await bed?.close();
    await server?.stopImmediately();
    for (const disk of Object.values(disks)) execFileSync('umount', ['--lazy', disk]);
    rmSync(root, { recursive: true, force: true });
  });

  test.each(['data', 'log'] as const)(
    'the %s: writes are 503 or 507, and all goes on when there is room',
    async (disk) => {
      const known = await bed.a.create({ resourceType: 'Basic', code: { text: disk } });
      const before = load.intents.length;
      load.start(lanes);
      await waitFor('traffic', () => load.intents.length > before + 40);
      const ballast = fill(disks[disk]);
      let refused = 0;
      try {
        await waitFor('a refused write', async () => {
          const { status } = await bed.a.request('POST', '', bundleOf(`full-${disk}-${refused}`, 300));
          if (status !== 200) expect([503, 507]).toContain(status);
          if (status !== 200) refused += 1;
          return refused > 3;
        });
        // Who reads leaves a trace, and where none can be written there is no data: 503 and not 500. PostgreSQL itself ends
        // when it cannot write its log, and comes back when it can.
        expect([200, 503]).toContain((await bed.a.request('GET', `/Basic/${known.id}`)).status);
      } finally {
        rmSync(ballast);
      }
      const healed = load.intents.length;
      await waitFor('answers again', () => load.intents.slice(healed).filter(({ answer }) => answer).length > 40);
      await load.stop();
      const {
        200: _done,
        201: _created,
        409: _clashes,
        503: _away,
        507: _full,
        ...others
      } = countStatuses(load.intents);
      expect(others).toEqual({});
      expect(await findProblems(bed, load.intents)).toEqual([]);
    },
  );

  /** To a disk of its own. */
  function moveLog(): void {
    const [from, to] = [path.join(findCluster(dataDir), 'pg_wal'), path.join(disks.log, 'pg_wal')];
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
    const { user } = findPlace(dataDir);
    if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, to]);
    execFileSync('chmod', ['700', to]);
    rmSync(from, { recursive: true });
    symlinkSync(to, from);
    giveTo(user, disks.log);
  }
});

/** Gives the file that takes all that was left. */
function fill(disk: string): string {
  const file = path.join(disk, 'ballast');
  const descriptor = openSync(file, 'w');
  const piece = Buffer.alloc(65_536);
  try {
    while (statfsSync(disk).bavail > 0) writeSync(descriptor, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(descriptor);
  }
  return file;
}
