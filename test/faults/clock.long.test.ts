// Processes whose clocks are an hour apart, and one that jumps in the run: versions keep their order and nothing happens twice (fault 24).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Load } from './load.ts';

const hourMs = 3_600_000;
const updates = 12;

describe('clocks that are wrong', () => {
  let bed: FaultBed;
  /** Of the process that jumps. */
  let skewMs = hourMs;
  const origins: string[] = [];
  beforeAll(async () => {
    bed = await FaultBed.open();
    for (const skew of [() => 0, () => skewMs]) {
      await bed.start({ now: () => new Date(Date.now() + skew()) });
      origins.push(bed.origin);
    }
  });
  afterAll(() => bed.close());

  test.each([
    ['an hour ahead', hourMs],
    ['an hour behind', -hourMs],
  ])('one of two processes is %s: versions are numbered and listed in the order they were written', async (_, ms) => {
    skewMs = ms;
    const { id } = await bed.a.create(buildPatient());
    for (let round = 0; round < updates; round++) {
      bed.origin = origins[round % 2]!;
      await bed.a.update({ ...buildPatient(), id, active: round % 2 === 0 });
    }
    const history = (await bed.a.request('GET', `/Patient/${id}/_history?_count=100`)).json as Bundle;
    const versions = history.entry!.map(({ resource }) => Number(resource!.meta!.versionId));
    expect(versions).toEqual(Array.from({ length: updates + 1 }, (_, at) => updates + 1 - at));
    const times = history.entry!.map(({ resource }) => resource!.meta!.lastUpdated!);
    expect(times).toEqual(times.toSorted().reverse());
  });

  test('a clock that jumps to and fro under load makes nothing twice and loses nothing', async () => {
    const load = await Load.open(bed);
    load.start(6);
    for (const ms of [hourMs, 0, -hourMs, 0, hourMs]) {
      const before = load.intents.length;
      skewMs = ms;
      bed.origin = origins[before % 2]!;
      await waitFor('traffic', () => load.intents.length > before + 60);
    }
    await load.stop();
    const { 200: _done, 201: _created, 409: _clashes, ...others } = countStatuses(load.intents);
    expect(others).toEqual({});
    skewMs = 0;
    expect(await findProblems(bed, load.intents)).toEqual([]);
  }, 120_000);
});
