// The codes that concept maps give for a code: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import type { ConceptMapGroupElementTarget } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
import { origins, type Queries } from './find-system.ts';
import { latestOf } from './latest.ts';
import type { KeptGroup } from './store-concept-maps.ts';
import type { Origin } from './stored-concept.ts';

export interface StoredMap {
  readonly origin: Origin;
  readonly id: number;
  readonly url: string;
  readonly version: string;
  readonly source: string | null;
  readonly target: string | null;
  readonly groups: readonly KeptGroup[];
}

export interface Translation {
  readonly system: string;
  readonly code: string;
  /** From target to source. */
  readonly reverse: boolean;
  /** The only code system that is wanted of what it is translated to. */
  readonly targetSystem?: string | undefined;
}

export interface Match {
  readonly equivalence: string;
  readonly concept?: { readonly system?: string; readonly code: string; readonly display?: string };
  readonly products: NonNullable<ConceptMapGroupElementTarget['product']>;
  /** The canonical of the map. */
  readonly source: string;
}

const matchesMax = 1_000;
const otherMapsMax = 5;

export async function findConceptMap(trx: Queries, url: string, version?: string): Promise<StoredMap | undefined> {
  const maps = await mapsWhere(trx, 'url', 'url = $1', url);
  return latestOf(version ? maps.filter((one) => one.version === version) : maps);
}

export async function findMapOfResource(trx: Queries, resourceId: string): Promise<StoredMap | undefined> {
  const maps = await mapsWhere(trx, 'resource', 'resource_id = $1', resourceId);
  return maps.find(({ origin }) => origin === 'tenant');
}

/** Every map that has the code; the value sets it maps between must be these where they are given. */
export async function findMapsFor(
  trx: Queries,
  { code, reverse }: Translation,
  wanted: { readonly source?: string | undefined; readonly target?: string | undefined },
): Promise<StoredMap[]> {
  const end = reverse ? 'target_code' : 'source_code';
  const condition = (origin: Origin) => `id IN (SELECT map_id FROM ${origin}.concept_map_element WHERE ${end} = $1)`;
  const maps = await mapsWhere(trx, end, condition, code);
  return maps.filter(({ source, target }) => {
    const fits = (own: string | null, asked: string | undefined) => asked === undefined || own === asked;
    return fits(source, wanted.source) && fits(target, wanted.target);
  });
}

async function mapsWhere(
  trx: Queries,
  name: string,
  condition: string | ((origin: Origin) => string),
  value: string,
): Promise<StoredMap[]> {
  const found = await all(
    origins.map((origin) =>
      trx.query<Omit<StoredMap, 'origin'>>({
        name: `find-concept-maps-by-${name}-${origin}`,
        text: `SELECT id, url, version, source, target, groups FROM ${origin}.concept_map
               WHERE ${typeof condition === 'string' ? condition : condition(origin)}`,
        values: [value],
      }),
    ),
  );
  return found.flatMap((rows, index) => rows.map((row) => ({ ...row, origin: origins[index] as Origin })));
}

export async function translate(trx: Queries, maps: readonly StoredMap[], asked: Translation): Promise<Match[]> {
  const found = await all(maps.map((map) => matchesIn(trx, map, asked, otherMapsMax)));
  const matches = found.flat();
  if (matches.length <= matchesMax) return matches;
  throw fhirError('too-costly', `More than ${matchesMax} codes answer this; name the map or the target system.`);
}

interface ElementRow {
  readonly group_number: number;
  readonly source_system: string;
  readonly source_code: string;
  readonly target_system: string;
  readonly target_code: string | null;
  readonly equivalence: string;
  readonly detail: Partial<ConceptMapGroupElementTarget>;
}

async function matchesIn(trx: Queries, map: StoredMap, asked: Translation, others: number): Promise<Match[]> {
  const rows = await trx.query<ElementRow>(elementsOf(map, asked));
  const own = rows.map((row) => matchOf(map, row, asked));
  if (asked.reverse) return own;
  const mapped = new Set(rows.map((row) => row.group_number));
  const further = await all(
    map.groups.map((group, number) => (mapped.has(number) ? [] : unmapped(trx, map, group, asked, others))),
  );
  return [...own, ...further.flat()];
}

function elementsOf({ origin, id }: StoredMap, { system, code, reverse, targetSystem }: Translation) {
  const [from, to] = reverse ? ['target', 'source'] : ['source', 'target'];
  return {
    name: `concept-map-elements-from-${from}-${origin}`,
    text: `SELECT group_number, source_system, source_code, target_system, target_code, equivalence, detail
           FROM ${origin}.concept_map_element
           WHERE map_id = $1 AND ${from}_code = $2 AND ${from}_system = $3 AND ($4::text IS NULL OR ${to}_system = $4)
           ORDER BY id LIMIT ${matchesMax + 1}`,
    values: [id, code, system, targetSystem ?? null],
  };
}

function matchOf(map: StoredMap, row: ElementRow, { reverse }: Translation): Match {
  const { display, product = [] } = row.detail;
  const [system, code] = reverse ? [row.source_system, row.source_code] : [row.target_system, row.target_code];
  return {
    equivalence: reverse ? (opposites[row.equivalence] ?? row.equivalence) : row.equivalence,
    ...(code !== null && {
      concept: { ...(system !== '' && { system }), code, ...(!reverse && display !== undefined && { display }) },
    }),
    products: product,
    source: canonicalOf(map),
  };
}

/** https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html, read from the other end */
const opposites: Readonly<Record<string, string>> = {
  wider: 'narrower',
  narrower: 'wider',
  subsumes: 'specializes',
  specializes: 'subsumes',
};

function canonicalOf({ url, version }: StoredMap): string {
  return version === '' ? url : `${url}|${version}`;
}

/** https://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.unmapped */
async function unmapped(
  trx: Queries,
  map: StoredMap,
  { source, target, unmapped: rule }: KeptGroup,
  asked: Translation,
  others: number,
): Promise<Match[]> {
  const isMeant = source === asked.system && (asked.targetSystem === undefined || asked.targetSystem === target);
  if (!rule || !isMeant) return [];
  const match = (code: string, display?: string): Match => ({
    equivalence: rule.mode === 'provided' ? 'equal' : 'inexact',
    concept: { ...(target !== '' && { system: target }), code, ...(display !== undefined && { display }) },
    products: [],
    source: canonicalOf(map),
  });
  if (rule.mode === 'provided') return [match(asked.code)];
  if (rule.mode === 'fixed') return rule.code === undefined ? [] : [match(rule.code, rule.display)];
  const [url = '', version] = (rule.url ?? '').split('|');
  const other = others > 0 ? await findConceptMap(trx, url, version) : undefined;
  return other ? await matchesIn(trx, other, asked, others - 1) : [];
}

/** https://hl7.org/fhir/R4/conceptmap-operation-translate.html, result */
export function isTranslated(matches: readonly Match[]): boolean {
  return matches.some(({ equivalence }) => equivalence !== 'unmatched' && equivalence !== 'disjoint');
}
