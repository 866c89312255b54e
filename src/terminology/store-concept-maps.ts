// Writes concept maps into their tables, a row for each pair of codes: https://hl7.org/fhir/R4/conceptmap.html

import type { ConceptMap, ConceptMapGroup, ConceptMapGroupElementTarget } from '@medplum/fhirtypes';
import type { Transaction } from '../database/transaction.ts';
import type { Origin } from './stored-concept.ts';

export interface NamedConceptMap {
  readonly resourceId: string;
  readonly conceptMap: ConceptMap;
}

/** The part of a group that counts for the codes it does not list. */
export interface KeptGroup {
  readonly source: string;
  readonly target: string;
  readonly unmapped?: ConceptMapGroup['unmapped'];
}

/** In place of those of the same resources, which are gone by then. */
export async function storeConceptMaps(
  trx: Transaction,
  origin: Origin,
  maps: readonly NamedConceptMap[],
): Promise<void> {
  if (maps.length === 0) return;
  const rows = await trx.query<{ id: number; resource_id: string }>({
    name: `insert-concept-maps-${origin}`,
    text: `INSERT INTO ${origin}.concept_map (resource_id, url, version, source, target, groups)
           SELECT resource_id, url, version, source, target, groups::jsonb
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
             AS row (resource_id, url, version, source, target, groups) RETURNING id, resource_id`,
    values: [
      maps.map(({ resourceId }) => resourceId),
      maps.map(({ conceptMap }) => conceptMap.url ?? ''),
      maps.map(({ conceptMap }) => conceptMap.version ?? ''),
      maps.map(({ conceptMap }) => conceptMap.sourceUri ?? conceptMap.sourceCanonical ?? null),
      maps.map(({ conceptMap }) => conceptMap.targetUri ?? conceptMap.targetCanonical ?? null),
      maps.map(({ conceptMap }) => JSON.stringify((conceptMap.group ?? []).map(keptGroup))),
    ],
  });
  const ids = new Map(rows.map(({ id, resource_id }) => [resource_id, id]));
  const elements = maps.flatMap(({ resourceId, conceptMap }) =>
    elementsOfMap(ids.get(resourceId) as number, conceptMap),
  );
  if (elements.length > 0) trx.execute(insertElements(origin, elements));
}

export function removeConceptMaps(trx: Transaction, origin: Origin, resourceIds: readonly string[]): void {
  trx.execute({
    name: `delete-concept-map-elements-${origin}`,
    text: `DELETE FROM ${origin}.concept_map_element WHERE map_id IN
             (SELECT id FROM ${origin}.concept_map WHERE resource_id = ANY ($1::text[]))`,
    values: [resourceIds],
  });
  trx.execute({
    name: `delete-concept-maps-${origin}`,
    text: `DELETE FROM ${origin}.concept_map WHERE resource_id = ANY ($1::text[])`,
    values: [resourceIds],
  });
}

/** Pairs of codes that a map lists; one without a target counts as one. */
export function countElements({ group = [] }: ConceptMap): number {
  let count = 0;
  for (const { element = [] } of group) for (const { target } of element) count += Math.max(target?.length ?? 0, 1);
  return count;
}

/** Systems and codes of both ends. */
export function* endsOf({ group = [] }: ConceptMap): Generator<string | undefined> {
  for (const { source, target: system, element = [] } of group) {
    yield source;
    yield system;
    for (const { code, target = [] } of element) {
      yield code;
      for (const one of target) yield one.code;
    }
  }
}

export function keptGroup({ source = '', target = '', unmapped }: ConceptMapGroup): KeptGroup {
  return { source, target, ...(unmapped && { unmapped }) };
}

export interface MapElement {
  readonly mapId: number;
  readonly id: number;
  readonly group: number;
  readonly source: readonly [system: string, code: string];
  readonly target: readonly [system: string, code: string | null];
  readonly equivalence: string;
  /** Displays, comment, what it depends on and what else it makes. */
  readonly detail: object;
}

export function elementsOfMap(mapId: number, { group = [] }: ConceptMap): MapElement[] {
  const elements: MapElement[] = [];
  for (const [number, { source = '', target: system = '', element = [] }] of group.entries()) {
    for (const { code = '', target = [{ equivalence: 'unmatched' } as ConceptMapGroupElementTarget] } of element) {
      for (const { code: targetCode = null, equivalence = 'relatedto', ...detail } of target) {
        const ends = { source: [source, code], target: [system, targetCode] } as const;
        elements.push({ mapId, id: elements.length, group: number, ...ends, equivalence, detail });
      }
    }
  }
  return elements;
}

function insertElements(origin: Origin, elements: readonly MapElement[]) {
  return {
    name: `insert-concept-map-elements-${origin}`,
    text: `INSERT INTO ${origin}.concept_map_element
             (map_id, id, group_number, source_system, source_code, target_system, target_code, equivalence, detail)
           SELECT map_id, id, group_number, source_system, source_code, target_system, target_code, equivalence, detail::jsonb
           FROM unnest($1::int[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
             AS row (map_id, id, group_number, source_system, source_code, target_system, target_code, equivalence, detail)`,
    values: [
      elements.map(({ mapId }) => mapId),
      elements.map(({ id }) => id),
      elements.map(({ group }) => group),
      elements.map(({ source }) => source[0]),
      elements.map(({ source }) => source[1]),
      elements.map(({ target }) => target[0]),
      elements.map(({ target }) => target[1]),
      elements.map(({ equivalence }) => equivalence),
      elements.map(({ detail }) => JSON.stringify(detail)),
    ],
  };
}
