// HL7's code systems, value sets and concept maps and those of this project, loaded once for all tenants: https://hl7.org/fhir/R4/terminologies-systems.html

import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle, CodeSystem, ConceptMap, Resource, ValueSet } from '@medplum/fhirtypes';
import { inSharedTransaction } from '../database/shared-transaction.ts';
import type { Transaction } from '../database/transaction.ts';
import { readOwnFiles } from '../fhir/definitions/own-files.ts';
import { sourceDirectory } from '../fhir/definitions/snapshot.ts';
import { indexSystem } from './index-system.ts';
import { readCodeSystem } from './read-code-system.ts';
import { removeConceptMaps, storeConceptMaps } from './store-concept-maps.ts';
import { type NamedSystem, removeSystems, storeSystems } from './store-systems.ts';
import { removeValueSets, storeValueSets } from './store-value-sets.ts';

const files = [
  ...['valuesets.json', 'v3-codesystems.json', 'v2-tables.json', 'conceptmaps.json'],
  // Countries, currencies and regions, which R4's value sets take from ISO and the United Nations.
  'valuesets-medplum-generated.json',
];
/** A grammar of which it lists the beginnings only. */
const leftOut: ReadonlySet<string> = new Set(['urn:ietf:bcp:47']);
/** Counts up with every change of what is stored of a resource. */
const format = 1;

/** Does nothing where the tables were filled from the same files. What operators have imported stays. */
export async function loadCoreTerminology(databaseUrl: string, log?: (line: string) => void): Promise<void> {
  const hash = hashOfFiles();
  const isLoaded = await inSharedTransaction(databaseUrl, (trx) => isLoadedFrom(trx, hash));
  if (isLoaded) return;
  const loaded = await loadBeside({ databaseUrl, hash });
  log?.(loaded ?? 'another process has loaded the terminology of HL7');
}

/** In a process of its own: the 200 MB that this takes would stay with the server. */
async function loadBeside(work: Work): Promise<string | undefined> {
  const child = fork(new URL(import.meta.url), { execArgv: [] });
  let loaded: string | undefined;
  child.on('message', (line: string) => {
    loaded = line;
  });
  child.send(work);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('The terminology of HL7 could not be loaded; see what was printed before.');
  return loaded;
}

interface Work {
  readonly databaseUrl: string;
  readonly hash: string;
}

function hashOfFiles(): string {
  const hash = createHash('sha256').update(`${format}`);
  for (const file of files) hash.update(readFileSync(join(sourceDirectory, file)));
  for (const text of readOwnFiles()) hash.update(text);
  return hash.digest('hex');
}

async function isLoadedFrom(trx: Transaction, hash: string): Promise<boolean> {
  const [known] = await trx.query<{ hash: string }>({ text: "SELECT hash FROM shared.release WHERE name = 'core'" });
  return known?.hash === hash;
}

async function loadAll({ databaseUrl, hash }: Work): Promise<string | undefined> {
  return await inSharedTransaction(databaseUrl, async (trx) => {
    // Of several processes that start at once one loads.
    await trx.query({ text: 'LOCK TABLE shared.release IN EXCLUSIVE MODE' });
    if (await isLoadedFrom(trx, hash)) return undefined;
    const counts = await load(trx, [...files.flatMap(resourcesOf), ...ownResources()]);
    await trx.query({
      text: `INSERT INTO shared.release (name, hash) VALUES ('core', $1) ON CONFLICT (name) DO UPDATE SET hash = $1`,
      values: [hash],
    });
    return counts;
  });
}

function resourcesOf(file: string): Resource[] {
  const bundle = JSON.parse(readFileSync(join(sourceDirectory, file), 'utf8')) as Bundle;
  return (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
}

/** Their ids are no names among HL7's: each goes by its url. */
function ownResources(): Resource[] {
  return readOwnFiles().map((text) => {
    const { id: _, ...resource } = JSON.parse(text) as Resource;
    return resource as Resource;
  });
}

async function load(trx: Transaction, resources: readonly Resource[]): Promise<string> {
  const systems: NamedSystem[] = [];
  for (const [resourceId, resource] of named<CodeSystem>(resources, 'CodeSystem')) {
    const system = leftOut.has(resource.url ?? '') ? undefined : readCodeSystem(resource);
    if (system) systems.push({ resourceId, system: await indexSystem(system) });
  }
  const valueSets = named<ValueSet>(resources, 'ValueSet').map(([resourceId, valueSet]) => ({ resourceId, valueSet }));
  const maps = named<ConceptMap>(resources, 'ConceptMap').map(([resourceId, conceptMap]) => ({
    resourceId,
    conceptMap,
  }));
  await removeSystems(trx, 'shared', await loadedIds(trx, 'code_system'));
  removeValueSets(trx, 'shared', await loadedIds(trx, 'value_set'));
  removeConceptMaps(trx, 'shared', await loadedIds(trx, 'concept_map'));
  await storeSystems(trx, 'shared', systems);
  storeValueSets(trx, 'shared', valueSets);
  await storeConceptMaps(trx, 'shared', maps);
  for (const table of ['code_system', 'concept', 'value_set', 'concept_map', 'concept_map_element']) {
    await trx.query({ text: `ANALYZE shared.${table}` });
  }
  return `loaded ${systems.length} code systems, ${valueSets.length} value sets and ${maps.length} concept maps of HL7 and HPMS`;
}

/** The last of those with the same id, or url where they have none. */
function named<T extends Resource>(resources: readonly Resource[], type: T['resourceType']): [id: string, T][] {
  const found = resources.filter((resource): resource is T => resource.resourceType === type);
  return [...new Map(found.map((resource) => [resource.id ?? (resource as { url?: string }).url ?? '', resource]))];
}

async function loadedIds(trx: Transaction, table: string): Promise<string[]> {
  const rows = await trx.query<{ id: string }>({
    text: `SELECT resource_id AS id FROM shared.${table} WHERE resource_id IS NOT NULL`,
  });
  return rows.map(({ id }) => id);
}

if (import.meta.main) {
  process.once('message', async (work: Work) => {
    const line = await loadAll(work);
    if (line !== undefined) process.send?.(line);
    process.disconnect();
  });
}
