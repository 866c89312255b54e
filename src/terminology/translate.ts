// The codes that concept maps give for a code: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import type { ConceptMap, ConceptMapGroupElementTarget } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
import { type Dependency, unmetBy } from './dependencies.ts';
import { origins, type Queries } from './find-system.ts';
import { latestOf } from './latest.ts';
import { elementsOfMap, type KeptGroup, keptGroup, type MapElement } from './store-concept-maps.ts';
import type { Origin } from './stored-concept.ts';

export interface StoredMap {
  readonly origin: Origin;
  readonly id: number;
  readonly url: string;
  readonly version: string;
  readonly source: string | null;
  readonly target: string | null;
  readonly groups: readonly KeptGroup[];
  /** Of one that is not stored, in place of its rows. */
  readonly elements?: readonly MapElement[];
}

export interface Translation {
  readonly system: string;
  readonly code: string;
  /** From target to source. */
  readonly reverse: boolean;
  /** The only code system that is wanted of what it is translated to. */
  readonly targetSystem?: string | undefined;
  /** What other elements hold, for maps that depend on them. */
  readonly dependencies?: readonly Dependency[];
}

export interface Translated {
  readonly matches: readonly Match[];
  /** Elements that further matches depend on, and that do not hold what these need. */
  readonly unmet: readonly string[];
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

/** As findConceptMap gives one that is stored. */
export function toStoredMap(conceptMap: ConceptMap): StoredMap {
  return {
    ...{
      origin: 'tenant',
      id: 0,
      url: conceptMap.url ?? '',
      version: conceptMap.version ?? '',
      source: null,
      target: null,
    },
    groups: (conceptMap.group ?? []).map(keptGroup),
    elements: elementsOfMap(0, conceptMap),
  };
}

export async function translate(trx: Queries, maps: readonly StoredMap[], asked: Translation): Promise<Translated> {
  const found = await all(maps.map((map) => matchesIn(trx, map, asked, otherMapsMax)));
  const matches = found.flatMap((one) => one.matches);
  const unmet = [...new Set(found.flatMap((one) => one.unmet))];
  if (matches.length <= matchesMax) return { matches, unmet };
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

async function matchesIn(trx: Queries, map: StoredMap, asked: Translation, others: number): Promise<Translated> {
  const rows = map.elements ? rowsIn(map.elements, asked) : await trx.query<ElementRow>(elementsOf(map, asked));
  const unmet = new Map(rows.map((row) => [row, asked.reverse ? undefined : unmetBy(row.detail, asked.dependencies)]));
  const own = rows.filter((row) => unmet.get(row) === undefined).map((row) => matchOf(map, row, asked));
  const missing = [...unmet.values()].flatMap((property) => property ?? []);
  if (asked.reverse) return { matches: own, unmet: missing };
  const mapped = new Set(rows.map((row) => row.group_number));
  const further = await all(
    map.groups.map((group, number) => (mapped.has(number) ? nothing : unmapped(trx, map, group, asked, others))),
  );
  return {
    matches: [...own, ...further.flatMap(({ matches }) => matches)],
    unmet: [...missing, ...further.flatMap((one) => one.unmet)],
  };
}

const nothing: Translated = { matches: [], unmet: [] };

/** Of a map that is not stored, what `elementsOf` asks for. */
function rowsIn(elements: readonly MapElement[], { system, code, reverse, targetSystem }: Translation): ElementRow[] {
  return elements.flatMap(({ group, source, target, equivalence, detail }): ElementRow[] => {
    const [from, to] = reverse ? [target, source] : [source, target];
    if (from[0] !== system || from[1] !== code || (targetSystem !== undefined && to[0] !== targetSystem)) return [];
    const [[source_system, source_code], [target_system, target_code]] = [source, target];
    return [{ group_number: group, source_system, source_code, target_system, target_code, equivalence, detail }];
  });
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
): Promise<Translated> {
  const isMeant = source === asked.system && (asked.targetSystem === undefined || asked.targetSystem === target);
  if (!rule || !isMeant) return nothing;
  const match = (code: string, display?: string): Translated => {
    const shown = display === undefined ? {} : { display };
    const concept = { ...(target !== '' && { system: target }), code, ...shown };
    const equivalence = rule.mode === 'provided' ? 'equal' : 'inexact';
    return { matches: [{ equivalence, concept, products: [], source: canonicalOf(map) }], unmet: [] };
  };
  if (rule.mode === 'provided') return match(asked.code);
  if (rule.mode === 'fixed') return rule.code === undefined ? nothing : match(rule.code, rule.display);
  const [url = '', version] = (rule.url ?? '').split('|');
  const other = others > 0 ? await findConceptMap(trx, url, version) : undefined;
  return other ? await matchesIn(trx, other, asked, others - 1) : nothing;
}

/** https://hl7.org/fhir/R4/conceptmap-operation-translate.html, result */
export function isTranslated(matches: readonly Match[]): boolean {
  return matches.some(({ equivalence }) => equivalence !== 'unmatched' && equivalence !== 'disjoint');
}
