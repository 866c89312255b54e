// Finds a code system by its canonical: the tenant's own come before those that all tenants share: https://hl7.org/fhir/R4/references.html#canonical

import type { Transaction } from '../database/transaction.ts';
import { all } from './all.ts';
import { latestOf } from './latest.ts';
import { snomedUrl } from './snomed.ts';
import type { Origin, StoredSystem } from './stored-concept.ts';

/** Reads only; every statement may be a transaction of its own. */
export type Queries = Pick<Transaction, 'query'>;

export const origins: readonly Origin[] = ['tenant', 'shared'];

/** Concepts that are only examples are not a code system to code with: they count where nothing else is there. */
export async function findSystem(trx: Queries, url: string, version?: string): Promise<StoredSystem | undefined> {
  const found = (await allVersions(trx, 'url', url)).filter(({ content }) => content !== 'supplement');
  const fitting = version ? found.filter((one) => isOfVersion(one.version, version)) : found;
  const whole = fitting.filter(({ content }) => content !== 'example');
  return latestOf(whole) ?? latestOf(fitting);
}

/** SNOMED CT's versions are URIs that begin with their edition's, which means any of its versions. */
function isOfVersion(own: string, wanted: string): boolean {
  return own === wanted || (wanted.startsWith(snomedUrl) && own.startsWith(`${wanted}/version/`));
}

/** The system whose concepts all are the value set of this canonical. */
export async function findSystemOfValueSet(trx: Queries, valueSet: string): Promise<StoredSystem | undefined> {
  return latestOf(await allVersions(trx, 'value_set', valueSet));
}

/** Those that add designations and properties to the concepts of a system. */
export async function findSupplements(
  trx: Queries,
  { url, version }: Pick<StoredSystem, 'url' | 'version'>,
): Promise<StoredSystem[]> {
  const [ofAll, ofThis] = await all([
    allVersions(trx, 'supplements', url),
    version === '' ? [] : allVersions(trx, 'supplements', `${url}|${version}`),
  ]);
  return [...ofAll, ...ofThis];
}

/** Undefined also for a resource that tells no concepts. */
export async function findSystemOfResource(trx: Queries, resourceId: string): Promise<StoredSystem | undefined> {
  const [row] = await trx.query<SystemRow>({
    name: 'find-code-system-of-resource',
    text: `SELECT ${columns} FROM tenant.code_system WHERE resource_id = $1`,
    values: [resourceId],
  });
  return row && toSystem(row, 'tenant');
}

async function allVersions(
  trx: Queries,
  column: 'url' | 'value_set' | 'supplements',
  value: string,
): Promise<StoredSystem[]> {
  const found = await all(
    origins.map((origin) =>
      trx.query<SystemRow>({
        name: `find-code-system-by-${column}-${origin}`,
        text: `SELECT ${columns} FROM ${origin}.code_system WHERE ${column} = $1`,
        values: [value],
      }),
    ),
  );
  return found.flatMap((rows, index) => rows.map((row) => toSystem(row, origins[index] as Origin)));
}

const columns = `id, url, version, title, content, subsumes, case_sensitive, properties, concept_count, indexed`;

interface SystemRow {
  readonly id: number;
  readonly url: string;
  readonly version: string;
  readonly title: string;
  readonly content: StoredSystem['content'];
  readonly subsumes: boolean;
  readonly case_sensitive: boolean;
  readonly properties: StoredSystem['properties'];
  readonly concept_count: number;
  readonly indexed: boolean;
}

function toSystem({ case_sensitive, concept_count, ...row }: SystemRow, origin: Origin): StoredSystem {
  return { ...row, origin, caseSensitive: case_sensitive, conceptCount: concept_count };
}
