// Conditional writes that meet at the same moment: https://hl7.org/fhir/R4/http.html#ccreate

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import type { WriteIntent, WriteResult } from '../../src/repository/change.ts';
import type { Repository } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { buildPatient } from '../support/builders.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

let bed: HandMade;
let repository: Repository;
beforeAll(async () => {
  bed = await makeByHand();
  repository = bed.with();
});
afterAll(() => bed.close());

const patient = (...values: string[]): Patient =>
  buildPatient({ identifier: values.map((value) => ({ system: 'urn:mrn', value })) });
const creating = (value: string): WriteIntent => ({
  action: 'create',
  resource: patient(value),
  ifNoneExist: { query: `identifier=urn:mrn|${value}` },
});
const updating = (value: string, resource = patient(value)): WriteIntent => ({
  action: 'update',
  resource,
  // Another spelling of the same criteria as a create's.
  criteria: { query: `Patient?identifier=${encodeURIComponent(`urn:mrn|${value}`)}` },
});
const deleting = (value: string): WriteIntent => ({
  action: 'delete',
  type: 'Patient',
  criteria: { query: `identifier=urn:mrn|${value}` },
});

function atOnce(count: number, intentsOf: (n: number) => readonly WriteIntent[]): Promise<WriteResult[]> {
  const writes = Array.from({ length: count }, (_, n) => bed.write(repository, intentsOf(n)));
  return Promise.all(writes).then((results) => results.flat());
}

const versionsOf = (results: readonly WriteResult[]) =>
  results
    .filter(({ changed }) => changed)
    .map(({ versionId }) => versionId)
    .sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const idsOf = (results: readonly WriteResult[]) => new Set(results.map(({ id }) => id));

describe('at the same moment', () => {
  test.each([1, 2, 3])(
    '50 creates of one identifier make one resource, and the other 49 get it (%i)',
    async (round) => {
      const results = await atOnce(50, () => [creating(`fifty-${round}`)]);
      expect(idsOf(results).size).toBe(1);
      expect(results.filter(({ changed }) => changed)).toHaveLength(1);
      expect(new Set(results.map(({ json }) => json)).size).toBe(1);
    },
  );

  test('30 updates of what is not there yet make one resource with 30 versions', async () => {
    const results = await atOnce(30, () => [updating('thirty')]);
    expect(idsOf(results).size).toBe(1);
    expect(versionsOf(results)).toEqual(upTo(30));
  });

  test('creates and updates share the lock of their criteria, in whatever spelling', async () => {
    const results = await atOnce(40, (n) => [n % 2 === 0 ? creating('mixed') : updating('mixed')]);
    expect(idsOf(results).size).toBe(1);
    const versions = versionsOf(results);
    expect(versions).toEqual(upTo(versions.length));
  });

  test('30 deletes delete each of several once', async () => {
    await bed.write(
      repository,
      [1, 2, 3].map(() => ({ action: 'create', resource: patient('deleted') })),
    );
    const results = await atOnce(30, () => [deleting('deleted')]);
    expect(results.filter(({ changed }) => changed)).toMatchObject([{ deletedCount: 3 }]);
    expect(await bed.count('SELECT count(*) FROM resource WHERE version_id > 2 AND deleted')).toBe(0);
  });

  test('creates, updates and deletes of one identifier never leave two', async () => {
    const intents = [creating, updating, deleting];
    await atOnce(60, (n) => [(intents[n % 3] as typeof creating)('churn')]);
    const [last] = await bed.write(repository, [deleting('churn')]);
    expect(last?.deletedCount).toBeUndefined();
  });

  test('transactions that name the same criteria in opposite orders are all done', async () => {
    const values = Array.from({ length: 8 }, (_, n) => `opposite-${n}`);
    const results = await atOnce(24, (n) => (n % 2 === 0 ? values : values.toReversed()).map(creating));
    expect(idsOf(results).size).toBe(8);
    expect(results.filter(({ changed }) => changed)).toHaveLength(8);
  });

  test('a transaction of very many criteria and single ones of the same type make each resource once', async () => {
    const values = Array.from({ length: 150 }, (_, n) => `crowd-${n}`);
    const [big, small] = await Promise.all([
      atOnce(2, (n) => (n === 0 ? values : values.toReversed()).map(creating)),
      atOnce(30, (n) => [creating(`crowd-${n * 5}`)]),
    ]);
    expect(idsOf([...big, ...small]).size).toBe(150);
    expect([...big, ...small].filter(({ changed }) => changed)).toHaveLength(150);
  });
});

describe('what the criteria found is searched again when a plain write was faster', () => {
  /** Runs `work` while a plain write has changed the resource and is not committed; gives its result after the commit. */
  async function behindMove<T>(value: string, work: () => Promise<T>): Promise<{ id: string; outcome: T }> {
    const [made] = await bed.write(repository, [creating(value)]);
    const id = made?.id ?? '';
    const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
    const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
    const moving = bed.run(repository, async (session) => {
      await write(session, [{ action: 'update', id, resource: { ...patient(`${value}-moved`), id } }]);
      hold();
      await mayCommit;
    });
    await isHeld;
    const working = work();
    const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    while ((await bed.count(waiting)) === 0);
    commit();
    await moving;
    return { id, outcome: await working };
  }

  test('so that an update makes a new resource and leaves the one that moved away alone', async () => {
    const { id, outcome } = await behindMove('update', () => bed.write(repository, [updating('update')]));
    expect(outcome).toMatchObject([{ action: 'create', versionId: 1 }]);
    expect(outcome[0]?.id).not.toBe(id);
  });

  test('so that a delete deletes nothing', async () => {
    const { id, outcome } = await behindMove('delete', () => bed.write(repository, [deleting('delete')]));
    expect(outcome).toMatchObject([{ action: 'delete', changed: false }]);
    expect(await bed.count(`SELECT version_id AS count FROM resource WHERE id = '${id}'`)).toBe(2);
  });

  test('so that a patch finds none', async () => {
    const patch: WriteIntent = {
      action: 'patch',
      type: 'Patient',
      criteria: { query: 'identifier=urn:mrn|patch' },
      apply: (current) => current,
    };
    const { outcome } = await behindMove('patch', () => bed.write(repository, [patch]).catch((error) => error));
    expect(outcome).toMatchObject({ status: 404 });
  });
});
