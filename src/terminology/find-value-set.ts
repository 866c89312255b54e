// Finds a value set by its canonical, by its resource, or by the code system whose concepts it is: https://hl7.org/fhir/R4/valueset.html

import type { ValueSet } from '@medplum/fhirtypes';
import { all } from './all.ts';
import { origins, type Queries } from './find-system.ts';
import { implicitValueSet, splitCanonical } from './implicit-value-sets.ts';
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
  const [url, version] = splitCanonical(canonical);
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
