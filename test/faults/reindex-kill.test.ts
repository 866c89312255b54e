// A search parameter becomes ready with every resource found, though its worker dies in the middle and two other processes write
// all the while: https://hl7.org/fhir/R4/searchparameter.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient, Resource, SearchParameter } from '@medplum/fhirtypes';
import pg from 'pg';
import { searchParameter } from '../api/custom-parameters.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { FaultBed, waitFor } from './bed.ts';
import { type RunningProcess, startWorker } from './processes.ts';
import { killTiming } from './queue-kills.ts';

const url = 'http://example.org/eyes';
const withEyes = (value: string): Patient => ({
  resourceType: 'Patient',
  extension: [{ url, valueString: value }],
});
const parameterOf = (code: string) =>
  searchParameter({
    ...{ code, type: 'string', base: ['Patient'] },
    expression: `Patient.extension.where(url = '${url}').value.ofType(string)`,
  }) as SearchParameter;

function indexThroughKills(startQueue: () => Promise<TestRedis | undefined>): void {
  let redis: TestRedis | undefined;
  let bed: FaultBed;
  const origins: string[] = [];
  let lock: pg.Client;

  beforeAll(async () => {
    redis = await startQueue();
    bed = await FaultBed.open();
    for (const _ of ['one', 'another']) {
      await bed.start({ does: { api: true, jobs: false } });
      origins.push(bed.origin);
    }
    lock = new pg.Client({ connectionString: bed.database.url });
    await lock.connect();
  });
  afterAll(async () => {
    await lock.end();
    await bed.close();
    await redis?.stop();
  });

  const spawn = (): RunningProcess =>
    startWorker({
      ...{ databaseUrl: bed.database.url, dataDir: bed.dataDir, timing: killTiming },
      ...(redis && { redisUrl: redis.url }),
    });

  /** So many at a time, by one process and the other in turn. */
  async function createAll<T extends Resource>(resources: readonly T[]): Promise<(T & { readonly id: string })[]> {
    const created: (T & { readonly id: string })[] = [];
    const left = resources.entries();
    const lane = async () => {
      for (const [index, resource] of left) {
        bed.origin = origins[index % origins.length] as string;
        created[index] = await bed.a.create(resource);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    return created;
  }

  const run = async () => {
    const text =
      'SELECT state, done::int, total::int FROM store.reindex WHERE tenant_id = $1 ORDER BY requested_at DESC, id DESC';
    const [newest] = await bed.sql<{ state: string; done: number; total: number }>(text, [bed.a.tenantId]);
    return newest;
  };
  const isReady = async (code: string) =>
    (await bed.a.request('GET', `/Patient?${code}=green`, undefined, strict)).status === 200;
  const strict = { Prefer: 'handling=strict' };

  test('SIGKILL in the middle: another worker goes on where it was', async () => {
    const patients = await createAll(Array.from({ length: 300 }, () => withEyes('green')));
    await bed.b.create(withEyes('green'));
    const ids = patients.map(({ id }) => id).sort();
    await lock.query('BEGIN');
    await lock.query('SELECT 1 FROM store.resource WHERE id = $1 FOR UPDATE', [ids[250]]);
    const victim = spawn();
    await bed.a.create(parameterOf('eyes'));
    await waitFor('200 of 300 are indexed', async () => (await run())?.done === 200);
    victim.child.kill('SIGKILL');
    await victim.exited;
    const more = await createAll(Array.from({ length: 20 }, () => withEyes('green')));
    const changed = patients[10] as Patient;
    await bed.a.update({ ...changed, extension: [{ url, valueString: 'blue' }] });
    expect(await isReady('eyes')).toBe(false);
    await lock.query('ROLLBACK');
    const heir = spawn();
    await waitFor('the parameter is ready', () => isReady('eyes'));
    expect(await run()).toEqual({ state: 'done', done: 320, total: 320 });
    const found = await bed.a.all<Patient>('Patient', '&eyes=green');
    expect(found.map(({ id }) => id).sort()).toEqual(
      [...ids, ...more.map(({ id }) => id)].filter((id) => id !== changed.id).sort(),
    );
    expect(await bed.a.all<Patient>('Patient', '&eyes=blue')).toHaveLength(1);
    heir.child.kill('SIGTERM');
    await heir.exited;
  }, 60_000);

  test('writes of two processes while parameters come, change and go: all of them are found in the end', async () => {
    const worker = spawn();
    const before = (await bed.a.all<Patient>('Patient', '&eyes=green')).length;
    const writing = createAll(Array.from({ length: 240 }, () => withEyes('green')));
    const second = await bed.a.create(parameterOf('eyes-2'));
    const third = await bed.a.create(parameterOf('eyes-3'));
    await bed.a.update({ ...third, status: 'retired' });
    await bed.a.update({ ...second, expression: 'Patient.language' });
    await bed.a.update({ ...second, expression: parameterOf('eyes-2').expression as string });
    await writing;
    await bed.a.create(parameterOf('eyes-4'));
    for (const code of ['eyes', 'eyes-2', 'eyes-4']) {
      await waitFor(`${code} is ready`, () => isReady(code));
      expect(await bed.a.all<Patient>('Patient', `&${code}=green`)).toHaveLength(before + 240);
    }
    expect(await isReady('eyes-3')).toBe(false);
    worker.child.kill('SIGTERM');
    await worker.exited;
  }, 60_000);
}

describe('an index that is made anew, queue on PostgreSQL', () => indexThroughKills(async () => undefined));
describeWith('redis', 'an index that is made anew, queue on Redis', (program) =>
  indexThroughKills(() => startRedis(program)),
);
