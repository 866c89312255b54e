// Histories against a model of what was written, and beside writes that go on: https://hl7.org/fhir/R4/http.html#history

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { HistoryPage } from '../../src/repository/history.ts';
import { historyInstance } from '../../src/repository/history-instance.ts';
import type { HistoryRequest } from '../../src/repository/history-source.ts';
import { historySystem } from '../../src/repository/history-system.ts';
import { historyType } from '../../src/repository/history-type.ts';
import type { Repository, Session } from '../../src/repository/session.ts';
import type { StoredVersion } from '../../src/repository/stored-version.ts';
import { write } from '../../src/repository/write.ts';
import { buildLocation, buildPatient } from '../support/builders.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

let hand: HandMade;
let repository: Repository;
/** The time of the next write. */
let clockMs: number;
beforeEach(async () => {
  clockMs = Date.now();
  hand = await makeByHand();
  repository = { ...hand.with(), now: () => new Date(clockMs) };
});
afterEach(() => hand.close());

type Question = Partial<HistoryRequest>;

function ask(question: Question): Promise<HistoryPage> {
  const request = { type: '', id: '', count: 50, ...question };
  const readAll = request.type ? historyType : historySystem;
  const read = request.id ? historyInstance : readAll;
  return hand.run(repository, (session) => read(session, request));
}

/** All pages to the end. */
async function askAll(question: Question, between?: () => Promise<unknown>): Promise<HistoryPage[]> {
  const pages = [await ask(question)];
  for (let next = pages[0]?.nextCursor; next !== undefined; next = pages.at(-1)?.nextCursor) {
    await between?.();
    pages.push(await ask({ ...question, cursor: next }));
  }
  return pages;
}

const nameOf = ({ type, id, versionId, body }: Omit<StoredVersion, 'lastUpdated'>) =>
  `${type}/${id}/${versionId}${body ? '' : ' deleted'}`;
const namesOf = (pages: readonly HistoryPage[]) => pages.flatMap(({ versions }) => versions.map(nameOf));

function build(type: string, id: string): Resource & { id: string } {
  return { ...(type === 'Patient' ? buildPatient() : buildLocation()), id };
}

function put(...keys: readonly (readonly [type: string, id: string])[]) {
  const intents = keys.map(([type, id]) => ({ action: 'update', resource: build(type, id), id }) as const);
  return hand.write(repository, intents);
}

describe('of random writes', () => {
  interface ModelVersion extends Omit<StoredVersion, 'body'> {
    readonly body: Buffer | undefined;
    /** When the next version came. */
    readonly replacedMs: number;
  }

  const model: ModelVersion[] = [];
  const types = ['Location', 'Patient'] as const;
  const ids = ['a', 'A', 'b.1', 'b-1'] as const;

  const step = fc.record({
    // Some in the same millisecond, some months apart: that is other partitions.
    afterMs: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 2 }) }, fc.constant(6 * 86_400_000)),
    type: fc.constantFrom(...types),
    id: fc.constantFrom(...ids),
    deletes: fc.boolean(),
  });

  async function take({
    afterMs,
    type,
    id,
    deletes,
  }: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
    // History has partitions for three months ahead.
    if (clockMs + afterMs < Date.now() + 80 * 86_400_000) clockMs += afterMs;
    const [result] = deletes ? await hand.write(repository, [{ action: 'delete', type, id }]) : await put([type, id]);
    if (!result?.changed) return;
    const before = model.findIndex(
      (one) => one.type === type && one.id === id && one.versionId === result.versionId - 1,
    );
    if (before >= 0) model[before] = { ...(model[before] as ModelVersion), replacedMs: clockMs };
    const body = deletes ? undefined : Buffer.from('{}');
    model.push({ ...result, body, lastUpdated: new Date(clockMs), replacedMs: Number.POSITIVE_INFINITY });
  }

  const question = fc.record({
    type: fc.constantFrom('', ...types),
    id: fc.constantFrom('', '', ...ids),
    count: fc.integer({ min: 1, max: 9 }),
    // Which versions' times to ask for, and how far beside them.
    since: fc.option(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 1 }))),
    at: fc.option(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 1 }), fc.constantFrom(0, 1, 86_400_000))),
  });

  const timeOf = (index: number) => model[index % model.length]?.lastUpdated.getTime() ?? clockMs;

  function requestOf({
    type,
    id,
    count,
    since,
    at,
  }: typeof question extends fc.Arbitrary<infer Asked> ? Asked : never): HistoryRequest {
    const low = at ? timeOf(at[0]) + at[1] : 0;
    return {
      type,
      id: type === '' ? '' : id,
      count,
      ...(since && { sinceMs: timeOf(since[0]) + since[1] }),
      ...(at && { at: { low, high: low + at[2] } }),
    };
  }

  /** As R4 says it, without an index in sight. */
  function expected({ type, id, sinceMs = 0, at }: HistoryRequest): string[] {
    const wasCurrent = ({ lastUpdated, replacedMs, body }: ModelVersion) =>
      !at ||
      (lastUpdated.getTime() <= at.high &&
        (lastUpdated.getTime() >= at.low || (body !== undefined && replacedMs > at.low)));
    const inOrder = (one: ModelVersion) => [one.lastUpdated.getTime(), one.type, one.id, one.versionId] as const;
    return model
      .filter((one) => (type === '' || one.type === type) && (id === '' || one.id === id))
      .filter((one) => one.lastUpdated.getTime() >= sinceMs && wasCurrent(one))
      .sort((one, other) => -compare(inOrder(one), inOrder(other)))
      .map(nameOf);
  }

  function compare(one: readonly (string | number)[], other: readonly (string | number)[]): number {
    const index = one.findIndex((part, position) => part !== other[position]);
    if (index < 0) return 0;
    return (one[index] as string | number) < (other[index] as string | number) ? -1 : 1;
  }

  test("every question has the model's answer, page by page, with its total", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 15 }),
        fc.array(question, { minLength: 10, maxLength: 20 }),
        async (steps, questions) => {
          for (const one of steps) await take(one);
          for (const request of questions.map(requestOf)) {
            const wanted = expected(request);
            if (request.id !== '' && !model.some(({ type, id }) => type === request.type && id === request.id)) {
              await expect(ask(request)).rejects.toMatchObject({ status: 404 });
              continue;
            }
            const pages = await askAll(request);
            expect(namesOf(pages)).toEqual(wanted);
            for (const page of pages) {
              expect(page.versions.length).toBeLessThanOrEqual(request.count);
              expect(page.total).toBe(wanted.length);
            }
            expect((await ask({ ...request, count: 0 })).total).toBe(wanted.length);
          }
        },
      ),
      { seed: 20261120, numRuns: 8 },
    );
    expect(model.length).toBeGreaterThan(40);
  });
});

describe('while writes go on', () => {
  test('pages list each version that was there before once, and none twice', async () => {
    const keys = Array.from({ length: 10 }, (_, index) => ['Location', `busy-${index}`] as const);
    for (let round = 0; round < 4; round++) await put(...keys);
    for (const question of [{ type: 'Location' }, {}, { type: 'Location', id: 'busy-3' }]) {
      const before = namesOf(await askAll({ ...question, count: 1_000 }));
      const pages = await askAll({ ...question, count: 7 }, async () => {
        clockMs += 1;
        await put(...keys.slice(0, 3), ['Patient', 'busy']);
      });
      const listed = namesOf(pages);
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed).toEqual(before);
    }
  });
});

describe('a transaction that is still open', () => {
  /** A write whose commit waits until it is told to. */
  async function holdWrite(id: string) {
    const started = Promise.withResolvers<Date>();
    const released = Promise.withResolvers<void>();
    const work = async (session: Session) => {
      await write(session, [{ action: 'update', resource: build('Location', id), id }]);
      const [row] = await session.trx.query<{ now: Date }>({ text: 'SELECT now()' });
      if (row) started.resolve(row.now);
      await released.promise;
    };
    const done = hand.run(repository, work);
    const commit = () => {
      released.resolve();
      return done;
    };
    return { began: await started.promise, commit };
  }

  const since = async (time: Date) => namesOf(await askAll({ type: 'Location', sinceMs: time.getTime() }));

  test('hides nothing and loses nothing: the answer says to what time it is complete', async () => {
    const held = await holdWrite('late');
    clockMs += 5;
    await put(['Location', 'early']);
    const earlyTime = new Date(clockMs);

    const meanwhile = await ask({ type: 'Location' });
    expect(namesOf([meanwhile])[0]).toBe('Location/early/1');
    expect(namesOf([meanwhile])).not.toContain('Location/late/1');
    // Half a minute before the oldest open transaction, however long that stays open.
    expect(meanwhile.completeTo?.getTime()).toBe(held.began.getTime() - 30_000);
    expect((await ask({})).completeTo).toEqual(meanwhile.completeTo);

    await held.commit();
    // The newest time one has seen is no safe place to go on.
    expect(await since(earlyTime)).not.toContain('Location/late/1');
    const completeTo = meanwhile.completeTo as Date;
    expect(await since(completeTo)).toEqual(expect.arrayContaining(['Location/early/1', 'Location/late/1']));
    const deadlineMs = Date.now() + 5_000;
    while (((await ask({})).completeTo as Date) <= completeTo) expect(Date.now()).toBeLessThan(deadlineMs);
  });

  test('all pages of a walk say the time of its first', async () => {
    await put(['Location', 'one'], ['Location', 'two'], ['Location', 'three']);
    const [first, ...further] = await askAll({ type: 'Location', count: 2 });
    expect(further.length).toBeGreaterThan(0);
    for (const page of further) expect(page.completeTo).toEqual(first?.completeTo);
  });
});

describe('much history', () => {
  const keys = Array.from({ length: 300 }, (_, index) => ['Patient', `many-${index}`] as const);

  /** Five versions of each at the last five milliseconds. */
  async function writeMany(): Promise<number> {
    for (let round = 0; round < 5; round++) {
      clockMs += 1;
      await put(...keys);
    }
    return clockMs;
  }

  test('is counted to 1,000 unless the total is what was asked for', async () => {
    const lastMs = await writeMany();
    const question = { type: 'Patient', count: 1_000 };
    const pages = await askAll(question);
    expect(pages.map(({ versions, total }) => [versions.length, total])).toEqual([
      [1_000, undefined],
      [500, undefined],
    ]);
    expect(new Set(namesOf(pages)).size).toBe(1_500);
    expect((await ask({ ...question, count: 0 })).total).toBe(1_500);
    expect((await ask({ type: 'Patient', sinceMs: lastMs - 2 })).total).toBe(900);
  });

  test('is looked at 1,000 versions a page for what was current at a time', async () => {
    const lastMs = await writeMany();
    const isAt = (ms: number) => ({ type: 'Patient', at: { low: ms, high: ms } });
    const pages = await askAll({ ...isAt(lastMs + 1), count: 1_000 });
    expect(pages.map(({ versions, total }) => [versions.length, total])).toEqual([
      [300, undefined],
      [0, undefined],
    ]);
    expect(new Set(namesOf(pages))).toEqual(new Set(keys.map(([type, id]) => `${type}/${id}/5`)));
    // Nothing of the round before was current once this one had begun.
    expect(namesOf(await askAll({ ...isAt(lastMs), count: 200 }))).toHaveLength(300);
  });

  test('has pages that end early before they hold too much', async () => {
    const text = 'x'.repeat(900_000);
    const large = { ...buildLocation(), id: 'large', description: text };
    for (let round = 0; round < 40; round++) {
      await hand.write(repository, [{ action: 'update', resource: large, id: 'large' }]);
    }
    const pages = await askAll({ type: 'Location', id: 'large' });
    expect(pages.map(({ versions, total }) => [versions.length, total])).toEqual([
      [36, 40],
      [4, 40],
    ]);
    expect(namesOf(pages)).toEqual(Array.from({ length: 40 }, (_, index) => `Location/large/${40 - index}`));
  });
});
