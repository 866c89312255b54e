// Nothing that tells who a patient is can be read in what an HPMS leaves behind: security.md 1.10 and attack 124.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { makeCanaries, storedNames, wordsOf } from './canaries.ts';
import { type Controls, controlWords, makeControls } from './controls.ts';
import { type Hpms, startHpms } from './hpms.ts';
import { bringToRest, type PlaceName, placeNames, plantJob, type Source } from './places.ts';
import { type Answered, sendAwkward } from './refused-traffic.ts';
import { type Hit, Scanner } from './scanner.ts';
import { spellingsOf } from './spellings.ts';
import { fillClinic, makePeople, openRequest, type StoredTraffic } from './stored-traffic.ts';

const timeoutMs = 120_000;
const canaries = makeCanaries();
const canaryWords = wordsOf(canaries);
const controls = makeControls();
const scanner = new Scanner([...canaryWords, ...controlWords(controls)]);
const isCanary = new Set(canaryWords.map(({ name }) => name));

type Find = Hit & Pick<Source, 'place' | 'name'>;

describe('with the queue in PostgreSQL', () => searchRun(async () => undefined));
describeWith('redis', 'with the queue in Redis', (program) => searchRun(() => startRedis(program)));

function searchRun(startQueue: () => Promise<TestRedis | undefined>): void {
  let hpms: Hpms | undefined;
  let redis: TestRedis | undefined;
  let stored: StoredTraffic;
  let answered: Readonly<Record<'refused' | 'odd', Answered[]>>;
  let finds: Find[];

  beforeAll(async () => {
    redis = await startQueue();
    hpms = await startHpms(redis?.url);
    const request = openRequest(hpms, await makePeople(hpms, canaries));
    stored = await fillClinic(request, canaries, controls.plainId);
    answered = await sendAwkward(hpms, request, canaries);
    await request('GET', '/Patient', undefined, { 'X-Request-Id': controls.requestId });
    await plantJob(hpms, redis?.url, controls);
    finds = await search(await bringToRest(hpms, redis?.url, controls));
  }, timeoutMs);

  afterAll(async () => {
    await hpms?.remove();
    await redis?.stop();
  });

  test('everything was stored, and whoever may can read it', () => {
    const isRead = (text: string) => spellingsOf(text).some(({ bytes }) => stored.readBack.includes(bytes.toString()));
    expect(storedNames.filter((name) => !isRead(canaries[name]))).toEqual([]);
    expect(stored.invoice.resourceType).toBe('Invoice');
    expect(stored.auditEvents).toBeGreaterThan(5);
  });

  test('what was wrong was refused, and nothing failed the server', () => {
    expect(answered.refused.filter(({ status }) => status < 400 || status >= 500)).toEqual([]);
    expect(answered.odd.filter(({ status }) => status >= 500)).toEqual([]);
  });

  test.each(placeNames)('no canary is in: %s', (place) => {
    expect(describeFinds(finds.filter((find) => find.place === place && isCanary.has(find.word)))).toEqual([]);
  });

  const ofRows: readonly PlaceName[] = ['data files', 'WAL', 'WAL archive'];

  test.each([...ofRows, 'dump'] as const)('the id a client chose is found in: %s', (place) => {
    expect(sourcesOf(finds, place, 'plainId')).not.toEqual([]);
    expect(sourcesOf(finds, place, 'visitStart')).not.toEqual([]);
  });

  test('the id a client chose is in the tables and indexes that hold ids, and not in logs, queue and metrics', () => {
    const files = sourcesOf(finds, 'data files', 'plainId').join();
    for (const relation of ['store.resource)', 'store.resource_pkey)', 'store.resource_last_updated)']) {
      expect(files).toContain(relation);
    }
    const elsewhere = finds.filter(({ word, place }) => word === 'plainId' && ![...ofRows, 'dump'].includes(place));
    expect(describeFinds(elsewhere)).toEqual([]);
  });

  test.each([...ofRows, 'dump', 'object store'] as const)('a plant of every form is found in: %s', (place) => {
    const found = finds.filter((find) => find.place === place);
    const missing = controls.plants.filter(
      ({ form, block }) => !found.some(({ word, inside }) => word === form && (!block || inside.includes(block))),
    );
    expect(missing.map(({ form }) => form)).toEqual([]);
  });

  test.each(ofRows)('what PostgreSQL compressed is found in: %s', (place) => {
    const blocks = finds.filter((find) => find.place === place && find.word === 'postgresValue');
    expect(blocks.flatMap(({ inside }) => inside)).toContain('PostgreSQL value');
  });

  test('a request id is found in the log, a job in the queue, a series in the metrics', () => {
    expect(sourcesOf(finds, 'logs', 'requestId')).toEqual(['logs/hpms.log']);
    const queue = sourcesOf(finds, 'queue', 'jobTopic').join();
    for (const file of redis ? ['appendonly', 'dump.rdb'] : ['jobs.job']) expect(queue).toContain(file);
    expect(sourcesOf(finds, 'metrics', 'metric')).toEqual(['/metrics']);
  });

  test.each([
    ['dump', 'pg_stat_activity'],
    ['dump', 'pg_stat_statements'],
    ['dump', 'pg_prepared_statements'],
    ['logs', 'postgres.log'],
    ['other files', 'pg_stat_statements.stat'],
  ] as const)('the text of a statement is found in: %s, %s', (place, file) => {
    expect(sourcesOf(finds, place, 'statement').join()).toContain(file);
  });
}

async function search(sources: readonly Source[]): Promise<Find[]> {
  const finds: Find[] = [];
  for (const { place, name, open } of sources) {
    for (const hit of await scanner.scan(open())) finds.push({ ...hit, place, name });
  }
  return finds;
}

/** One line for each word in each file: what, how, where. */
function describeFinds(finds: readonly Find[]): string[] {
  const lines = new Map<string, string>();
  for (const { word, encoding, inside, offset, name } of finds) {
    const how = [encoding, ...inside.toReversed()].join(' in ');
    if (!lines.has(`${word} ${name}`)) lines.set(`${word} ${name}`, `${word}: ${how} at ${offset} of ${name}`);
  }
  return [...lines.values()];
}

function sourcesOf(finds: readonly Find[], place: PlaceName, word: keyof Controls | 'visitStart' | 'metric'): string[] {
  return [...new Set(finds.filter((find) => find.place === place && find.word === word).map(({ name }) => name))];
}
