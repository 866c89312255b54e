// The StructureDefinitions a tenant has stored: https://hl7.org/fhir/R4/structuredefinition.html

import type { StructureDefinition } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Structure } from '../../fhir/profiles/generate-profile.ts';
import type { Session } from '../session.ts';
import { openVersions, type VersionRow, versionColumns } from '../stored-version.ts';

export const structuresMax = 1_000;

/** By resource id; those that are retired are left out. */
export async function readStructures({ trx, cipher, repository }: Session): Promise<Map<string, Structure>> {
  const rows = await trx.query<VersionRow>({
    name: 'read-structure-definitions',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'StructureDefinition' AND NOT deleted
           ORDER BY id LIMIT ${structuresMax + 1}`,
  });
  if (rows.length > structuresMax) throw tooManyStructures();
  const { objectStore } = repository;
  const structures = new Map<string, Structure>();
  for (const { id, body } of await openVersions({ cipher, objectStore }, rows)) {
    const { value, exactNumbers } = parseJson(body?.toString() ?? 'null');
    const structure = toStructure(value as StructureDefinition, exactNumbers);
    if (structure) structures.set(id, structure);
  }
  return structures;
}

export function tooManyStructures(): Error {
  return fhirError('too-costly', `A tenant may have at most ${structuresMax} StructureDefinitions.`, { status: 422 });
}

/** Undefined for what no resource can be checked by: retired ones, and definitions of types. */
export function toStructure(
  resource: StructureDefinition,
  exactNumbers?: ReadonlyMap<string, string>,
): Structure | undefined {
  if (resource.status === 'retired' || resource.derivation !== 'constraint') return undefined;
  return { resource, ...(exactNumbers && { exactNumbers }) };
}
