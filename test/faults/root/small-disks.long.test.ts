// The disk of the log, or that of temporary files, is full: what needs it is refused or waits, everything else goes on (fault 39).

import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { structure } from '../../fhir/profiles/structures.ts';
import { packageOf } from '../../support/fhir-package.ts';
import { describeWith } from '../../support/machine.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { FaultBed, waitFor } from '../bed.ts';
import { countStatuses, findProblems } from '../checker.ts';
import { Load } from '../load.ts';
import { type MainProcess, startMain } from '../processes.ts';
import { SmallDisk } from './small-disk.ts';

const lanes = 4;

describeWith('root', 'small disks', () => {
  const root = makeTemporaryFolder();
  const disks: SmallDisk[] = [];
  let bed: FaultBed;
  let load: Load;
  let server: MainProcess;
  let logFile: string;
  beforeAll(async () => {
    for (const name of ['log', 'tmp']) disks.push(new SmallDisk(path.join(root, name), 4));
    const [log, tmp] = disks;
    logFile = path.join(log!.folder, 'hpms.log');
    bed = await FaultBed.open();
    writeFileSync(logFile, '');
    const logTo = openSync(logFile, 'a');
    server = await startMain('all', {
      ...{ dataDir: bed.dataDir, databaseUrl: bed.database.url, logTo },
      env: { TMPDIR: tmp!.folder },
    });
    closeSync(logTo);
    bed.origin = server.origin;
    load = await Load.open(bed);
  });
  afterAll(async () => {
    await bed?.close();
    for (const disk of disks) disk.remove();
    rmSync(root, { recursive: true, force: true });
  });

  const linesOf = () => readFileSync(logFile, 'utf8').trimEnd().split('\n');
  const answered = (since: number) => load.intents.slice(since).filter(({ answer }) => answer).length;

  test('the log’s: every request is answered, and the lines come whole and in order when there is room', async () => {
    const [disk] = disks;
    load.start(lanes);
    await waitFor('traffic', () => answered(0) > 40);
    disk!.fill();
    const [before, lines] = [load.intents.length, linesOf().length];
    await waitFor('traffic without a log', () => answered(before) > 60);
    disk!.clear();
    await waitFor('lines', () => linesOf().length > lines + 60);
    await load.stop();
    for (const line of linesOf()) expect(() => JSON.parse(line) as object).not.toThrow();
    const times = linesOf().map((line) => (JSON.parse(line) as { time: number }).time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const { 200: _done, 201: _created, 409: _clashes, ...others } = countStatuses(load.intents);
    expect(others).toEqual({});
    expect(await findProblems(bed, load.intents)).toEqual([]);
  });

  test('that of temporary files: a package gets 503 and leaves nothing, the rest is answered, and then it is installed', async () => {
    const [, disk] = disks;
    const install = await installer();
    disk!.fill();
    const refused = await install();
    expect([refused.status, refused.headers.has('Retry-After')]).toEqual([503, true]);
    expect(readdirSync(disk!.folder)).toEqual(['ballast']);
    await bed.a.create({ resourceType: 'Basic', code: { text: 'meanwhile' } });
    disk!.clear();
    expect((await install()).status).toBe(200);
    expect(readdirSync(disk!.folder)).toEqual([]);
    expect(await findProblems(bed, [])).toEqual([]);
  });

  async function installer(): Promise<() => Promise<Response>> {
    const profile = structure('urn:small-disks', 'Patient', [{ id: 'Patient', path: 'Patient' }], {
      id: 'small-disks',
    });
    const body = await packageOf(['profile.json', profile.resource]);
    const headers = { Authorization: `Bearer ${await bed.a.authorize()}`, 'Content-Type': 'application/gzip' };
    return () => fetch(`${server.origin}/t/${bed.a.name}/admin/packages`, { method: 'POST', body, headers });
  }
});
