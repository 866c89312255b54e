// What a write of a StructureDefinition does to validation: an active one must be usable, and is in force from then on: https://hl7.org/fhir/R4/structuredefinition.html

import type { StructureDefinition } from '@medplum/fhirtypes';
import { FhirError, type Issue } from '../../fhir/outcome.ts';
import type { Structure } from '../../fhir/profiles/generate-profile.ts';
import type { ProfileRegistry } from '../../validation/profiles/registry.ts';
import type { Change } from '../change.ts';
import type { Module } from '../module.ts';
import type { Session } from '../session.ts';
import { registryWith, renewVersion } from './registry-of.ts';
import { readStructures, structuresMax, tooManyStructures, toStructure } from './tenant-structures.ts';

const type = 'StructureDefinition';

export const profilesModule: Module = {
  name: 'profiles',
  guards: [{ name: 'profiles', type, run: requireUsable }],
  effects: [{ name: 'profiles', type, run: tellEverybody }],
};

async function requireUsable(changes: readonly Change[], session: Session): Promise<void> {
  if (changes.every(({ resource }) => resource === undefined)) return;
  const structures = await readStructures(session);
  const added = new Map<Change, Structure>();
  for (const change of changes) {
    const structure = change.resource && toStructure(change.resource as StructureDefinition, change.exactNumbers);
    if (structure) structures.set(change.id, structure);
    else structures.delete(change.id);
    if (structure?.resource.status === 'active') added.set(change, structure);
  }
  if (structures.size > structuresMax) throw tooManyStructures();
  const { compiler } = registryWith(structures);
  for (const [{ index }, { resource }] of added) {
    const issues = faultsOf(compiler.get(canonicalOf(resource)));
    if (issues.length > 0) throw new FhirError(issues, { status: 422, writeIndex: index });
  }
}

function canonicalOf({ url, version }: StructureDefinition): string {
  return version === undefined ? url : `${url}|${version}`;
}

function faultsOf(compiled: ReturnType<ProfileRegistry['compiler']['get']>): readonly Issue[] {
  if (!compiled) return [];
  return compiled.profile ? compiled.problems.filter(({ severity }) => severity === 'error') : compiled.issues;
}

function tellEverybody(_: readonly Change[], { trx }: Session): [] {
  renewVersion(trx);
  return [];
}
