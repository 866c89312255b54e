// Checks at every door, for random rights and records of two tenants, that what is seen and written is what is allowed.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Caller } from '../../src/access/caller.ts';
import type { WriteIntent } from '../../src/repository/change.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { type Answer, found, type OpenedDoors, openAllDoors } from './doors.ts';
import { allows, patients, rights, type Spec, toResource, world } from './rows-world.ts';

const types = ['Patient', 'Observation', 'Encounter', 'Appointment', 'Organization', 'Task'] as const;

/** So many callers, half of them in each tenant. */
export function testRows(callersCount: number, seed: number): void {
  let doors: OpenedDoors;
  let worlds: readonly (readonly Spec[])[];
  beforeAll(async () => {
    doors = await openAllDoors();
    worlds = fc.sample(world, { numRuns: 2, seed });
    for (const [index, specs] of worlds.entries()) await doors.store(specs.map(toResource), doors.tenants[index]);
  });
  afterAll(() => doors.close());

  interface Case {
    readonly caller: Caller;
    readonly specs: readonly Spec[];
  }

  const cases = (): Case[] =>
    fc.sample(rights, { numRuns: callersCount, seed }).map((some, n) => ({
      caller: doors.holder('user/Basic.r', { ...some, tenantId: doors.tenants[n % 2] as number }),
      specs: worlds[n % 2] as readonly Spec[],
    }));

  const nameOf = ({ type, id }: Spec) => `${type}/${id}`;
  const seenBy = ({ caller, specs }: Case) => specs.filter((spec) => allows(caller, 'r', spec));
  const namesOf = (specs: readonly Spec[]) => specs.map(nameOf).sort();
  /** What a refused search shows. */
  const shown = (answer: Answer) => (answer.status === 403 ? [] : found(answer));
  const get = ({ caller }: Case, path: string) => doors.ask(caller, 'GET', path);

  /** Tells the case with a failure. Some callers must see something, or the check would say nothing. */
  async function forAll(check: (one: Case) => Promise<readonly [seen: unknown[], expected: unknown[]]>): Promise<void> {
    const sizes = new Set<number>();
    for (const one of cases()) {
      const [seen, expected] = await check(one);
      sizes.add(expected.flat().length);
      expect({ seed, caller: one.caller, seen }).toEqual({ seed, caller: one.caller, seen: expected });
    }
    expect(sizes.size).toBeGreaterThan(1);
  }

  describe('what is seen is what is allowed', () => {
    test('by reading each, its version and its history', async () => {
      await forAll(async (one) => {
        const seen: string[] = [];
        for (const spec of one.specs) {
          const statuses: number[] = [];
          for (const tail of ['', '/_history/1', '/_history', '/$meta'])
            statuses.push((await get(one, nameOf(spec) + tail)).status);
          if (statuses.every((status) => status === 200)) seen.push(nameOf(spec));
          else expect(statuses.filter((status) => status !== 404 && status !== 403)).toEqual([]);
        }
        return [seen.sort(), namesOf(seenBy(one))];
      });
    });

    test('by searching each type, counted and sorted too, and by its history', async () => {
      await forAll(async (one) => {
        const seen: string[] = [];
        for (const type of types) {
          const answer = await get(one, `${type}?_count=100`);
          const sorted = await get(one, `${type}?_count=100&_sort=-_lastUpdated`);
          const counted = await get(one, `${type}?_summary=count`);
          expect(shown(sorted)).toEqual(shown(answer));
          expect(counted.status === 403 ? 0 : counted.json.total).toBe(shown(answer).length);
          const history = await get(one, `${type}/_history?_count=100`);
          expect(shown(history)).toEqual(shown(answer));
          expect(history.json.total ?? 0).toBe(shown(answer).length);
          seen.push(...shown(answer));
        }
        return [seen.sort(), namesOf(seenBy(one))];
      });
    });

    test('by searching all types at once, page by page', async () => {
      await forAll(async (one) => {
        const seen: string[] = [];
        let path: string | undefined = `?_type=${types.join(',')}&_count=4`;
        while (path !== undefined) {
          const answer = await get(one, path);
          seen.push(...shown(answer));
          const next = answer.json?.link?.find(({ relation }: { relation: string }) => relation === 'next')?.url;
          path = next && `?${new URL(next).search.slice(1)}`;
        }
        return [seen.sort(), namesOf(seenBy(one))];
      });
    });

    test('in the compartment of each patient', async () => {
      await forAll(async (one) => {
        const seen: string[] = [];
        const expected: string[] = [];
        for (const patient of patients) {
          const inside = seenBy(one).filter(({ patients: named, type }) => named.includes(patient) && type !== 'Task');
          expected.push(...namesOf(inside));
          for (const type of ['Observation', 'Encounter', 'Appointment'])
            expect(shown(await get(one, `Patient/${patient}/${type}?_count=100`))).toEqual(
              namesOf(inside.filter((spec) => spec.type === type)),
            );
          seen.push(...shown(await get(one, `Patient/${patient}/*?_count=100`)));
        }
        return [seen, expected];
      });
    });

    test('by chains and _has, which tell nothing of what is hidden', async () => {
      await forAll(async (one) => {
        const seen = seenBy(one);
        const visits = new Set(seen.filter(({ type }) => type === 'Encounter').map(({ id }) => id));
        const chained = seen.filter(({ encounter }) => encounter !== undefined && visits.has(encounter));
        const answer = await get(one, 'Observation?encounter:Encounter._lastUpdated=gt2000&_count=100');
        const referred = new Set(seen.flatMap(({ encounter }) => encounter ?? []));
        const having = seen.filter(({ type, id }) => type === 'Encounter' && referred.has(id));
        const reverse = await get(one, 'Encounter?_has:Observation:encounter:_lastUpdated=gt2000&_count=100');
        return [
          [shown(answer), shown(reverse)],
          [namesOf(chained), namesOf(having)],
        ];
      });
    });

    test('by includes, forward and reverse', async () => {
      await forAll(async (one) => {
        const seen = seenBy(one);
        const forward = await get(
          one,
          'Observation?_include=Observation:subject&_include=Observation:encounter&_count=100',
        );
        const wanted = new Set(
          seen.flatMap(({ type, patients: named, encounter }) =>
            type === 'Observation' ? [`Patient/${named[0]}`, `Encounter/${encounter}`] : [],
          ),
        );
        const expected = seen.filter((spec) => spec.type === 'Observation' || wanted.has(nameOf(spec)));
        const reverse = await get(one, 'Encounter?_revinclude=Observation:encounter&_count=100');
        const visits = new Set(seen.filter(({ type }) => type === 'Encounter').map(({ id }) => id));
        const around = seen.filter(({ type, id, encounter = '' }) =>
          type === 'Encounter' ? visits.has(id) : visits.has(encounter),
        );
        return [
          [shown(forward), shown(reverse)],
          [forward.status === 403 ? [] : namesOf(expected), reverse.status === 403 ? [] : namesOf(around)],
        ];
      });
    });

    test('by entries of a batch', async () => {
      await forAll(async (one) => {
        const entry = one.specs.map((spec) => ({ request: { method: 'GET', url: nameOf(spec) } }));
        const { json } = await doors.ask(one.caller, 'POST', '', { resourceType: 'Bundle', type: 'batch', entry });
        const seen = one.specs.filter((_, n) => json.entry[n].response.status.startsWith('200'));
        return [namesOf(seen), namesOf(seenBy(one))];
      });
    });
  });

  describe('what is written is what is allowed', () => {
    test('an update of each, with the content of another of its type', async () => {
      await forAll(async (one) => {
        const { caller, specs } = one;
        const written: string[] = [];
        const expected: string[] = [];
        for (const [n, spec] of specs.entries()) {
          const other = specs.find((next, m) => m > n && next.type === spec.type) ?? spec;
          const next = { ...other, id: spec.id };
          if (await isWritten(caller, { action: 'update', id: spec.id, resource: toResource(next) })) {
            written.push(nameOf(spec));
          }
          if (allows(caller, 'u', spec) && allows(caller, 'u', next)) expected.push(nameOf(spec));
        }
        return [written, expected];
      });
    });

    test('a deletion of each', async () => {
      await forAll(async (one) => {
        const { caller, specs } = one;
        const deleted: Spec[] = [];
        for (const spec of specs)
          if (await isWritten(caller, { action: 'delete', type: spec.type, id: spec.id })) deleted.push(spec);
        return [namesOf(deleted), namesOf(specs.filter((spec) => allows(caller, 'd', spec)))];
      });
    });
  });

  class Undone extends Error {
    override readonly name = 'Undone';
  }

  /** Whether the write changes anything; it is taken back, and what is refused must be refused as forbidden. */
  async function isWritten(caller: Caller, intent: WriteIntent): Promise<boolean> {
    let changed = false;
    try {
      await inSession(doors.opened.repository, caller, async (session) => {
        const [result] = await write(session, [intent]);
        changed = result?.changed ?? false;
        throw new Undone();
      });
    } catch (error) {
      if (error instanceof Undone) return changed;
      expect((error as { status?: number }).status).toBe(403);
    }
    return false;
  }
}
