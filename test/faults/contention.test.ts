// Requests that want the same rows at once: each is done wholly or refused with 409 or 503, and none is lost (faults 12 and 14).

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import pg from 'pg';
import type { App } from '../../src/app.ts';
import { buildPatient } from '../support/builders.ts';
import type { TestResponse } from '../support/server.ts';
import { FaultBed, waitFor } from './bed.ts';
import { findProblems } from './checker.ts';
import { chooseSeed, seededRandom } from './load.ts';

/** As src/doors.ts shares connections. */
const ofOneTenantMax = 10;
let bed: FaultBed;
let app: App;
beforeAll(async () => {
  bed = await FaultBed.open();
  app = await bed.start({ does: { api: true, jobs: false } });
});
afterAll(() => bed.close());
afterEach(async () => {
  expect(await findProblems(bed, [])).toEqual([]);
});

const statusesOf = (answers: readonly TestResponse[]) => new Set(answers.map(({ status }) => status));

function named(id: string, family: string): Patient {
  return buildPatient({ id, name: [{ family }] });
}

function putAll(ids: readonly string[], family: string): Promise<TestResponse> {
  const entry = ids.map((id) => ({ resource: named(id, family), request: { method: 'PUT', url: `Patient/${id}` } }));
  return bed.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry } as Bundle);
}

async function familiesOf(id: string): Promise<string[]> {
  const { json } = await bed.a.request('GET', `/Patient/${id}/_history?_count=100`);
  const versions = (json as Bundle).entry!.map(({ resource }) => resource as Patient);
  return versions.map(({ meta, name }) => `${meta?.versionId} ${name![0]!.family}`).sort();
}

describe('the same rows in different orders: fault 12', () => {
  test('updates of four Patients by bundles in random orders: each version is of one bundle in all four', async () => {
    const random = seededRandom(chooseSeed());
    const patients = await Promise.all([1, 2, 3, 4].map(() => bed.a.create(buildPatient())));
    const ids = patients.map(({ id }) => id);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        putAll(
          [...ids].sort(() => random() - 0.5),
          `bundle-${index}`,
        ),
      ),
    );
    expect(statusesOf(answers)).toEqual(new Set([200]));
    const histories = await Promise.all(ids.map(familiesOf));
    expect(histories[0]).toHaveLength(41);
    for (const history of histories) expect(history).toEqual(histories[0]);
  });

  test('new ids made by pairs of bundles in opposite orders: both are done, one after the other', async () => {
    for (let round = 0; round < 8; round++) {
      const ids = [`twin-${round}-a`, `twin-${round}-b`];
      const answers = await Promise.all([putAll(ids, 'first'), putAll([...ids].reverse(), 'second')]);
      expect(statusesOf(answers)).toEqual(new Set([200]));
      const [one, other] = await Promise.all(ids.map(familiesOf));
      expect(one).toHaveLength(2);
      expect(other).toEqual(one);
    }
  });

  test('a deadlock for certain: one of the two transactions runs again, and both are done', async () => {
    const [left, right] = ['left', 'right'].map((key) => ({
      text: `INSERT INTO setting (key, value) VALUES ('${key}', '1') ON CONFLICT (tenant_id, key)
             DO UPDATE SET value = to_jsonb(setting.value::text::int + 1)`,
    }));
    let runs = 0;
    let holders = 0;
    const bothHoldOne = Promise.withResolvers<void>();
    const hold = (first: typeof left, second: typeof left) =>
      app.doors.tenantDoor(bed.a.tenantId, async (trx) => {
        runs += 1;
        await trx.query(first!);
        holders += 1;
        if (holders === 2) bothHoldOne.resolve();
        await bothHoldOne.promise;
        await trx.query(second!);
      });
    await Promise.all([hold(left, right), hold(right, left)]);
    expect(runs).toBe(3);
    expect(await bed.sql("SELECT value FROM store.setting WHERE key IN ('left', 'right')")).toEqual([
      { value: 2 },
      { value: 2 },
    ]);
  });

  test('one hot row: all of 40 updates at once are done, with If-Match one of them', async () => {
    const { id } = await bed.a.create(buildPatient());
    const put = (headers = {}) => bed.a.request('PUT', `/Patient/${id}`, named(id, 'hot'), headers);
    expect(statusesOf(await Promise.all(Array.from({ length: 40 }, () => put())))).toEqual(new Set([200]));
    const { json } = await bed.a.request('GET', `/Patient/${id}`);
    expect(json.meta.versionId).toBe('41');
    const raced = await Promise.all(Array.from({ length: 20 }, () => put({ 'If-Match': 'W/"41"' })));
    expect(raced.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(raced.filter(({ status }) => status === 412)).toHaveLength(19);
  });

  test('20 updates at once of an id that is not there: one creates it, the others follow', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => bed.a.request('PUT', '/Patient/from-outside', named('from-outside', 'x'))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(await familiesOf('from-outside')).toHaveLength(20);
  });
});

describe('serialization failures (40001): fault 12', () => {
  afterEach(() => bed.sql('DROP TRIGGER fail ON store.resource; DROP SEQUENCE store.tries'));

  /** The first so many transactions that insert a resource fail; the sequence counts also what is rolled back. */
  async function failFirst(count: number): Promise<void> {
    await bed.sql(`
      CREATE SEQUENCE store.tries;
      CREATE OR REPLACE FUNCTION store.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        IF nextval('store.tries') <= ${count} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER fail BEFORE INSERT ON store.resource FOR EACH ROW EXECUTE FUNCTION store.fail();`);
  }
  const tries = async () =>
    Number((await bed.sql<{ last_value: string }>('SELECT last_value FROM store.tries'))[0]!.last_value);

  test('four in a row: the fifth attempt is answered', async () => {
    await failFirst(4);
    expect((await bed.a.request('POST', '/Patient', buildPatient())).status).toBe(201);
    expect(await tries()).toBe(5);
  });

  test('without end: 409 after five attempts, and nothing is written', async () => {
    await failFirst(1_000);
    const identifier = [{ system: 'urn:test', value: 'never' }];
    const { status, json } = await bed.a.request('POST', '/Patient', buildPatient({ identifier }));
    expect([status, json.issue[0].code]).toEqual([409, 'conflict']);
    expect(await tries()).toBe(5);
    expect(await bed.a.all<Patient>('Patient', '&identifier=urn:test|never')).toEqual([]);
  });
});

describe('somebody holds a lock and does nothing: fault 14', () => {
  test('whoever needs the row gets 503 lock-error after the timeout, all others go on', async () => {
    const { id } = await bed.a.create(buildPatient());
    const hoarder = await holdRow(id);
    let isAnswered = false;
    const startedAt = performance.now();
    const waiting = bed.a.request('PUT', `/Patient/${id}`, named(id, 'late')).finally(() => {
      isAnswered = true;
    });
    let others = 0;
    for (; !isAnswered; others++) {
      const sentAt = performance.now();
      const other = await bed.a.create(buildPatient());
      await bed.a.update(named(other.id, 'other'));
      expect((await bed.a.request('GET', `/Patient/${id}`)).status).toBe(200);
      expect(performance.now() - sentAt).toBeLessThan(3_000);
    }
    const refused = await waiting;
    expect([refused.status, refused.json.issue[0].code]).toEqual([503, 'lock-error']);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(others).toBeGreaterThan(20);
    await hoarder.end();
    await bed.a.update(named(id, 'late'));
  });

  test('a crowd of one tenant that waits for it leaves connections to the others', async () => {
    const { id } = await bed.a.create(buildPatient());
    const hoarder = await holdRow(id);
    const crowd = Array.from({ length: 40 }, () => bed.a.request('PUT', `/Patient/${id}`, named(id, 'crowd')));
    await waitFor('as many as may wait for the row', async () => (await waitingForRows()) >= ofOneTenantMax);
    const other = await bed.b.create(buildPatient());
    await bed.b.update(named(other.id, 'other'));
    expect((await bed.b.request('GET', '/Patient?name=other')).json.total).toBe(1);
    expect(await waitingForRows()).toBe(ofOneTenantMax);
    await hoarder.end();
    const statuses = new Set((await Promise.all(crowd)).map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.has(200)).toBe(true);
  });

  async function holdRow(id: string): Promise<pg.Client> {
    const hoarder = new pg.Client({ connectionString: bed.database.url });
    await hoarder.connect();
    await hoarder.query('BEGIN');
    await hoarder.query('SELECT FROM store.resource WHERE id = $1 FOR UPDATE', [id]);
    return hoarder;
  }

  async function waitingForRows(): Promise<number> {
    const text =
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    return (await bed.sql<{ count: number }>(text))[0]!.count;
  }
});
