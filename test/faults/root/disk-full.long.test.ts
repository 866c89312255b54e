// The disk of the data is full, and then that of the log too: writes are refused, reads too where they leave no trace, and nothing is lost (faults 10 and 11).

import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findCluster, findPlace, giveTo } from '../../../src/database/embedded-place.ts';
import { describeWith } from '../../support/machine.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../bed.ts';
import { countStatuses, findProblems } from '../checker.ts';
import { bundleOf } from '../load.ts';
import { OwnDatabase } from '../own-database.ts';
import { SmallDisk } from './small-disk.ts';

const lanes = 6;
const diskMegabytes = 260;

describeWith('root', 'a disk that is full', () => {
  const root = makeTemporaryFolder();
  const disks = {} as Record<'data' | 'log', SmallDisk>;
  let own: OwnDatabase | undefined;
  beforeAll(async () => {
    for (const name of ['data', 'log'] as const) disks[name] = new SmallDisk(path.join(root, name), diskMegabytes);
    const dataDir = path.join(disks.data.folder, 'hpms');
    own = await OwnDatabase.open(dataDir, () => moveLog(dataDir));
  });
  afterAll(async () => {
    await own?.close();
    for (const disk of Object.values(disks)) disk.remove();
    rmSync(root, { recursive: true, force: true });
  });

  test.each(['data', 'log'] as const)(
    'the %s: writes are 503 or 507, and all goes on when there is room',
    async (disk) => {
      const { bed, load } = own!;
      const known = await bed.a.create({ resourceType: 'Basic', code: { text: disk } });
      const before = load.intents.length;
      load.start(lanes);
      await waitFor('traffic', () => load.intents.length > before + 40);
      disks[disk].fill();
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
        disks[disk].clear();
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
  function moveLog(dataDir: string): void {
    const [from, to] = [path.join(findCluster(dataDir), 'pg_wal'), path.join(disks.log.folder, 'pg_wal')];
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
    const { user } = findPlace(dataDir);
    if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, to]);
    execFileSync('chmod', ['700', to]);
    rmSync(from, { recursive: true });
    symlinkSync(to, from);
    giveTo(user, disks.log.folder);
  }
});
