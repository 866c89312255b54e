// Finds a value set by its canonical, by its resource, or by the code system whose concepts it is: https://hl7.org/fhir/R4/valueset.html

import type { ValueSet } from '@medplum/fhirtypes';
import { all } from './all.ts';
import { findSystemOfValueSet, origins, type Queries } from './find-system.ts';
import { latestOf } from './latest.ts';
import type { Origin } from './stored-concept.ts';

export async function findValueSet(trx: Queries, url: string, version?: string): Promise<ValueSet | undefined> {
  const rows = await all(origins.map((origin) => allVersions(trx, origin, url)));
  const found = rows.flat();
  const fitting = version ? found.filter((one) => one.version === version) : found;
  return latestOf(fitting)?.content ?? (version ? undefined : await implicitValueSet(trx, url));
}

/** A canonical may have its version behind a bar. */
export async function findCanonicalValueSet(trx: Queries, canonical: string): Promise<ValueSet | undefined> {
  const [url = '', version] = canonical.split('|');
  return await findValueSet(trx, url, version);
}

export async function findValueSetOfResource(trx: Queries, resourceId: string): Promise<ValueSet | undefined> {
  const [row] = await trx.query<{ content: ValueSet }>({
    name: 'find-value-set-of-resource',
    text: `SELECT content FROM tenant.value_set WHERE resource_id = $1`,
    values: [resourceId],
  });
  return row?.content;
}

interface ValueSetRow {
  readonly id: number;
  readonly version: string;
  readonly content: ValueSet;
}

async function allVersions(trx: Queries, origin: Origin, url: string) {
  const rows = await trx.query<ValueSetRow>({
    name: `find-value-set-${origin}`,
    text: `SELECT id, version, content FROM ${origin}.value_set WHERE url = $1`,
    values: [url],
  });
  return rows.map((row) => ({ ...row, origin }));
}

const snomed = /^(http:\/\/snomed\.info\/sct(?:\/[\d/a-z]*)?)\?fhir_vs(?:=isa\/(\d{6,18}))?$/;
const loinc = 'http://loinc.org/vs';

/** https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#implicit, CodeSystem.valueSet */
async function implicitValueSet(trx: Queries, url: string): Promise<ValueSet | undefined> {
  const ofSnomed = snomed.exec(url);
  if (ofSnomed) {
    const [, , code] = ofSnomed;
    const filter = code === undefined ? {} : { filter: [{ property: 'concept', op: 'is-a' as const, value: code }] };
    return valueSetOf(url, { system: 'http://snomed.info/sct', ...filter });
  }
  if (url === loinc) return valueSetOf(url, { system: 'http://loinc.org' });
  const system = await findSystemOfValueSet(trx, url);
  return system && valueSetOf(url, { system: system.url, ...(system.version && { version: system.version }) });
}

function valueSetOf(url: string, include: NonNullable<ValueSet['compose']>['include'][number]): ValueSet {
  return { resourceType: 'ValueSet', status: 'active', url, compose: { include: [include] } };
}
