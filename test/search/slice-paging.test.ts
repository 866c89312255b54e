// Pages that go slice by slice (src/search/slices.ts) while the records change, and where few of those in a slice are meant:
// https://hl7.org/fhir/R4/http.html#paging

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Observation, Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type pg from 'pg';
import { collectPage, type SendStatement } from '../../src/search/collect-page.ts';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { pageLinks } from '../../src/search/page-links.ts';
import type { SearchQuery } from '../../src/search/search-query.ts';
import { sliceOf } from '../../src/search/slices.ts';
import type { SampleOf } from '../../src/search/token-sample.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { insertIndexed, tokensOfTenant } from './plan-data.ts';

/** More than are gathered for one page. */
const observations = 12_000;
const patients = 7_000;
/** About one patient: more than are looked at for one that is found, none of them on the first page. */
const referring = 1_100;
const lateIds = Array.from({ length: 4 * referring }, (_, n) => `m${n}`).filter((id) => sliceOf(id) > '80');

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    for (const tenantId of [tenants.a, tenants.b]) {
      const size = tenantId === tenants.a ? 1 : 0.1;
      await insertIndexed(client, tenantId, [
        ...Array.from({ length: observations * size }, (_, n) => observationOf(`o${n}`, n)),
        ...lateIds.slice(0, referring * size).map((id) => observationOf(id, 1, 'p1')),
        ...Array.from(
          { length: patients * size },
          (_, n): Patient => ({ resourceType: 'Patient', id: `p${n}`, active: true }),
        ),
      ]);
    }
    await client.query('VACUUM ANALYZE store.resource, store.reference');
  });
}, 120_000);
afterAll(() => tenants.close());

/** One in thirteen is not final, and one in forty about a patient, or about one who is not here. */
function observationOf(id: string, n: number, about = subjectOf(n)): Observation {
  return {
    resourceType: 'Observation',
    id,
    status: (n * 7) % 13 === 0 ? 'amended' : 'final',
    code: { coding: [{ code: 'a' }] },
    ...(about && { subject: { reference: `Patient/${about}` } }),
  };
}

function subjectOf(n: number): string | undefined {
  if (n % 40 === 20) return `gone${n % 7}`;
  return n % 40 === 0 ? `p${(n * 11) % patients}` : undefined;
}

const sendTo =
  (tenantId: number): SendStatement =>
  (statement) =>
    tenants.tenantDoor(tenantId, (trx) => trx.query(statement), 'read');

/** As if one in a hundred of so many had each token. */
const claiming =
  (resources: number): SampleOf =>
  () => ({ resources, isSliced: true, shareOf: () => 0.01 });

async function pageOf(
  query: SearchQuery,
  place: PagePlace | undefined,
  sampleOf: SampleOf | undefined,
  tenantId: number,
) {
  const compiled = compileSearch(query, { tokenOf: tokensOfTenant(tenantId), sampleOf, place });
  const { matches, hasMore, positionOf } = await collectPage(compiled, query.count, sendTo(tenantId));
  const shown = place?.isBackward ? matches.toReversed() : matches;
  const positions = shown.map(positionOf);
  const isSliced = place?.isSliced ?? positions.some(({ keys }) => keys.length > 0);
  return { ids: shown.map(({ id }) => id), ...pageLinks({ place, hasMore, positions, isSliced }) };
}

/** From one end of the list to the other, in the order of the list. */
async function listOf(
  query: string,
  sampleOf: SampleOf | undefined,
  isBackward = false,
  type = 'Observation',
): Promise<string[]> {
  const ids: string[] = [];
  let place: PagePlace | undefined;
  if (isBackward) place = (await pageOf(parse(type, query), undefined, sampleOf, tenants.a)).last;
  for (;;) {
    const page = await pageOf(parse(type, query), place, sampleOf, tenants.a);
    if (isBackward) ids.unshift(...page.ids);
    else ids.push(...page.ids);
    place = isBackward ? page.previous : page.next;
    if (!place) return ids;
  }
}

test.each([
  ['Observation', 'code=a&status:not=final', 1_200_000],
  ['Observation', 'patient.active=true', 180_000],
  ['Patient', '_has:Observation:patient:status=final', 180_000],
  ['Patient', '_has:Observation:patient:status:not=final&_has:Observation:patient:code=a', 180_000],
])('a page of %s?%s is not refused where the one before was found', async (type, query, resources) => {
  const expected = await listOf(`${query}&_sort=_id&_count=1000`, undefined, false, type);
  expect(expected.length).toBeGreaterThan(10);
  const there = await listOf(`${query}&_count=20`, claiming(resources), false, type);
  if (!query.includes('&')) expect(there).not.toEqual(there.toSorted());
  expect(there.toSorted()).toEqual(expected.toSorted());
  expect(await listOf(`${query}&_count=20`, claiming(resources), true, type)).toEqual(there);
});

test('a page stays in its order, or is refused, where rights that were given or taken meanwhile made another search of it', async () => {
  const resources = 180_000;
  const read = (query: string, place?: PagePlace) =>
    pageOf(parse('Observation', `${query}&_count=20`), place, claiming(resources), tenants.a);
  const { next: ofLinks } = await read('patient.active=true');
  expect(ofLinks?.position?.keys).toEqual([expect.stringMatching(/^[0-9a-f]{2}[|]p/)]);
  await expect(read('patient.active=true&status=final', ofLinks)).rejects.toThrow(/start again/);
  const { next: ofTokens } = await read('code=a');
  const [slice = ''] = (ofTokens?.position?.keys ?? []) as string[];
  expect(slice).toMatch(/^[0-9a-f]{2}$/);
  const place = (id: string) => sliceOf(id) + id;
  const some = Array.from({ length: 60 }, (_, n) => `o${n}`);
  const behind = some.filter((id) => place(id) > slice + (ofTokens?.position?.id ?? ''));
  const { ids } = await read(`code=a&_id=${some}`, ofTokens);
  expect(ids).toEqual(behind.toSorted((one, other) => (place(one) < place(other) ? -1 : 1)).slice(0, 20));
});

test('a place of the time before slices stays in the order of ids', async () => {
  const ids = (await listOf('code=a&_sort=_id&_count=1000', undefined)).slice(20, 40);
  const query = parse('Observation', 'code=a&_count=20');
  const position = { id: (await listOf('code=a&_sort=_id&_count=1000', undefined))[19] as string, keys: [] };
  const page = await pageOf(query, { isBackward: false, position }, claiming(1_200_000), tenants.a);
  expect(page.ids).toEqual(ids);
  expect(page.last).toEqual({ isBackward: true });
  expect((await pageOf(query, page.previous, claiming(1_200_000), tenants.a)).ids).toHaveLength(20);
});

interface Step {
  /** What is known of the tokens at each page. */
  readonly knows: number | undefined;
  readonly added: number;
  /** Of those stored, by their places. */
  readonly deleted: readonly number[];
  readonly changed: readonly number[];
}

const step = fc.record({
  knows: fc.constantFrom(undefined, 150_000, 1_200_000),
  added: fc.nat({ max: 6 }),
  deleted: fc.array(fc.nat(), { maxLength: 4 }),
  changed: fc.array(fc.nat(), { maxLength: 4 }),
});

test('what is stored throughout is on one page, whatever is added, changed, deleted and known of it meanwhile', async () => {
  let runs = 0;
  await withClient(tenants.url, async (client) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(step), fc.constantFrom('', '&status:not=amended'), async (steps, more) => {
        const list = new ChangingList(client, `r${++runs}`);
        await list.add(250);
        const query = parse('Observation', `code=${list.code}${more}&_count=20`);
        await readAll(query, list, steps, false);
        await readAll(query, list, steps, true);
      }),
      { seed: 20_261_120, numRuns: 12 },
    );
  });
}, 120_000);

/** Throws where a row is on two pages, or one that was found by the first statement and the last is on none. */
async function readAll(query: SearchQuery, list: ChangingList, steps: Iterator<Step>, isBackward: boolean) {
  const before = await list.found(query);
  const seen: string[] = [];
  const touched = new Set<string>();
  const first = steps.next().value as Step;
  let place = isBackward ? (await pageOf(query, undefined, sampleOf(first), tenants.a)).last : undefined;
  do {
    const now = steps.next().value as Step;
    const page = await pageOf(query, place, sampleOf(now), tenants.a);
    seen.push(...page.ids);
    for (const id of await list.apply(now)) touched.add(id);
    place = isBackward ? page.previous : page.next;
  } while (place);
  expect(seen).toHaveLength(new Set(seen).size);
  const throughout = before.filter((id) => !touched.has(id));
  expect(throughout.length).toBeGreaterThan(20);
  expect(throughout.filter((id) => !seen.includes(id))).toEqual([]);
}

function sampleOf({ knows }: Step): SampleOf | undefined {
  return knows === undefined ? undefined : claiming(knows);
}

/** Observations of one code. */
class ChangingList {
  readonly code: string;
  readonly #client: pg.Client;
  readonly #ids: string[] = [];

  constructor(client: pg.Client, code: string) {
    this.code = code;
    this.#client = client;
  }

  async add(amount: number): Promise<void> {
    const ids = Array.from({ length: amount }, (_, n) => `${this.code}-${this.#ids.length + n}`);
    const rows = ids.map((id, n) => ({ ...observationOf(id, n), code: { coding: [{ code: this.code }] } }));
    if (rows.length > 0) await insertIndexed(this.#client, tenants.a, rows);
    this.#ids.push(...ids);
  }

  /** The ids of all. */
  async found(query: SearchQuery): Promise<string[]> {
    const all = { ...query, sort: [{ by: 'id', isDescending: false }], count: 1_000 } as const;
    return (await pageOf(all, undefined, undefined, tenants.a)).ids;
  }

  /** The ids of what is no more what it was. */
  async apply({ added, deleted, changed }: Step): Promise<string[]> {
    const idAt = (place: number) => this.#ids[place % this.#ids.length] as string;
    const [gone, other] = [deleted.map(idAt), changed.map(idAt)];
    const text = 'UPDATE store.resource SET tokens = $1 WHERE tenant_id = $2 AND id = ANY($3::text[])';
    await this.#client.query(text.replace('SET', 'SET deleted = true,'), ['{}', tenants.a, gone]);
    // Of another code.
    await this.#client.query(text, ['{1}', tenants.a, other]);
    await this.add(added);
    return [...gone, ...other];
  }
}
