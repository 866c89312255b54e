// The tables of terminology follow the tenant's CodeSystems, ValueSets and ConceptMaps in the same transaction: https://hl7.org/fhir/R4/terminology-service.html

import type { CodeSystem, ConceptMap, ValueSet } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { indexSystem } from '../terminology/index-system.ts';
import { codesOf, countConcepts, readCodeSystem } from '../terminology/read-code-system.ts';
import { countElements, endsOf, removeConceptMaps, storeConceptMaps } from '../terminology/store-concept-maps.ts';
import { type NamedSystem, removeSystems, storeSystems } from '../terminology/store-systems.ts';
import { countListed, removeValueSets, storeValueSets } from '../terminology/store-value-sets.ts';
import type { Change } from './change.ts';
import type { Module } from './module.ts';
import type { Session } from './session.ts';
import { takeTurn } from './turn.ts';

export const terminologyModule: Module = {
  name: 'terminology',
  guards: [
    { name: 'code-system-size', type: 'CodeSystem', run: (changes) => changes.forEach(requireBounded) },
    { name: 'value-set-size', type: 'ValueSet', run: (changes) => changes.forEach(requireBounded) },
    { name: 'concept-map-size', type: 'ConceptMap', run: (changes) => changes.forEach(requireBounded) },
  ],
  effects: [
    { name: 'code-systems', type: 'CodeSystem', run: keepCodeSystems },
    { name: 'value-sets', type: 'ValueSet', run: keepValueSets },
    { name: 'concept-maps', type: 'ConceptMap', run: keepConceptMaps },
  ],
};

/** Concepts of a CodeSystem, codes of a ValueSet, pairs of a ConceptMap: what one request may put into the tables. */
export const conceptsPerWriteMax = 50_000;

/** Codes, urls and versions: what is longer fits no index. */
const keyLengthMax = 500;

function requireBounded({ type, index, resource }: Pick<Change, 'type' | 'index' | 'resource'>): void {
  if (!resource) return;
  const { codes, keys, expression, remedy } = measure(resource as CodeSystem | ValueSet | ConceptMap);
  if (codes > conceptsPerWriteMax) {
    throw fhirError('too-costly', `A ${type} may hold at most ${conceptsPerWriteMax} codes; ${remedy}.`, {
      ...{ status: 422, expression, writeIndex: index },
    });
  }
  for (const key of keys()) {
    if ((key?.length ?? 0) <= keyLengthMax) continue;
    throw fhirError('too-long', `Codes, urls and versions of a ${type} may have at most ${keyLengthMax} characters.`, {
      ...{ status: 422, expression: type, writeIndex: index },
    });
  }
}

interface Measure {
  readonly codes: number;
  /** What is looked up by, read only when there are not too many. */
  readonly keys: () => Iterable<string | undefined>;
  readonly expression: string;
  readonly remedy: string;
}

function measure(resource: CodeSystem | ValueSet | ConceptMap): Measure {
  const { url, version } = resource;
  switch (resource.resourceType) {
    case 'CodeSystem':
      return {
        codes: countConcepts(resource),
        keys: () => [url, version, resource.valueSet, resource.supplements, ...codesOf(resource)],
        expression: 'CodeSystem.concept',
        remedy: 'have it imported: npm run admin -- import-terminology',
      };
    case 'ValueSet':
      return {
        codes: countListed(resource),
        keys: () => [url, version],
        expression: 'ValueSet.compose.include',
        remedy: 'filter a code system instead of listing its codes',
      };
    default:
      return {
        codes: countElements(resource),
        keys: () => [url, version, ...endsOf(resource)],
        expression: 'ConceptMap.group',
        remedy: 'make several maps of it',
      };
  }
}

async function keepCodeSystems(changes: readonly Change[], { trx }: Session): Promise<[]> {
  const stored = storedBefore(changes);
  if (stored.length > 0) await removeSystems(trx, 'tenant', stored);
  await enterCodeSystems(trx, changes);
  return [];
}

async function keepValueSets(changes: readonly Change[], { trx }: Session): Promise<[]> {
  const stored = storedBefore(changes);
  if (stored.length > 0) removeValueSets(trx, 'tenant', stored);
  await enterValueSets(trx, changes);
  return [];
}

async function keepConceptMaps(changes: readonly Change[], { trx }: Session): Promise<[]> {
  const stored = storedBefore(changes);
  if (stored.length > 0) removeConceptMaps(trx, 'tenant', stored);
  await enterConceptMaps(trx, changes);
  return [];
}

/** A create has nothing to remove. */
function storedBefore(changes: readonly Change[]): string[] {
  return changes.filter(({ oldResource }) => oldResource !== undefined).map(({ id }) => id);
}

type Definition = Pick<Change, 'id' | 'resource'>;
type Trx = Session['trx'];

async function enterCodeSystems(trx: Trx, definitions: readonly Definition[]): Promise<void> {
  const turn = takeTurn();
  const breathe = () => (turn.isOver() ? turn.next() : undefined);
  const systems: NamedSystem[] = [];
  for (const { id, resource } of definitions) {
    const system = resource && readCodeSystem(resource as CodeSystem);
    if (system) systems.push({ resourceId: id, system: await indexSystem(system, breathe) });
  }
  await storeSystems(trx, 'tenant', systems);
}

async function enterValueSets(trx: Trx, definitions: readonly Definition[]): Promise<void> {
  const valueSets = definitions.flatMap(({ id, resource }) =>
    resource ? [{ resourceId: id, valueSet: resource as ValueSet }] : [],
  );
  storeValueSets(trx, 'tenant', valueSets);
}

async function enterConceptMaps(trx: Trx, definitions: readonly Definition[]): Promise<void> {
  const maps = definitions.flatMap(({ id, resource }) =>
    resource ? [{ resourceId: id, conceptMap: resource as ConceptMap }] : [],
  );
  await storeConceptMaps(trx, 'tenant', maps);
}

const tables = {
  CodeSystem: { table: 'code_system', enter: enterCodeSystems },
  ValueSet: { table: 'value_set', enter: enterValueSets },
  ConceptMap: { table: 'concept_map', enter: enterConceptMaps },
} as const;

/**
 * Of a resource that was stored before the tables were there. Throws a FhirError, before it writes anything, for what a write
 * would refuse.
 */
export async function enterTables(trx: Trx, id: string, resource: CodeSystem | ValueSet | ConceptMap): Promise<void> {
  const { resourceType: type } = resource;
  const { table, enter } = tables[type];
  const known = await trx.query({
    name: `find-${table}-of-resource`,
    text: `SELECT 1 FROM tenant.${table} WHERE resource_id = $1`,
    values: [id],
  });
  if (known.length > 0) return;
  requireBounded({ type, index: 0, resource });
  await enter(trx, [{ id, resource }]);
}
