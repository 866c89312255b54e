// Writes code systems into their tables, in place of what they were before.

import type { Statement } from '../database/statement.ts';
import type { Transaction } from '../database/transaction.ts';
import type { IndexedSystem } from './index-system.ts';
import type { SourceSystem } from './source-system.ts';
import type { Origin, StoredConcept } from './stored-concept.ts';

export interface NamedSystem {
  /** Null for an import, which has no resource and is known by url and version. */
  readonly resourceId: string | null;
  readonly system: IndexedSystem;
}

/** Told of rows that are stored, of how many. */
export type Progress = (done: number, of: number) => void;

const rowsPerStatement = 5_000;

/** As many statements for a thousand small ones as for one. What stood in their places has to be removed before. */
export async function storeSystems(
  trx: Transaction,
  origin: Origin,
  systems: readonly NamedSystem[],
  progress: Progress = () => undefined,
): Promise<void> {
  if (systems.length === 0) return;
  const ids = await trx.query<{ id: number }>(insertSystems(origin, systems));
  const rows = systems.flatMap(({ system }, index) => conceptRows(ids[index]?.id as number, system));
  const sets = systems.flatMap(({ system }, index) => setRows(ids[index]?.id as number, system));
  const total = rows.length + sets.length;
  await inParts(
    rows,
    (some) => trx.query(insertConcepts(origin, some)),
    (done) => progress(done, total),
  );
  await inParts(
    sets,
    (some) => trx.query(insertSets(origin, some)),
    (done) => progress(rows.length + done, total),
  );
}

/** Those of these resources. */
export async function removeSystems(trx: Transaction, origin: Origin, resourceIds: readonly string[]): Promise<void> {
  const rows = await trx.query<{ id: number }>({
    name: `find-code-systems-${origin}`,
    text: `SELECT id FROM ${origin}.code_system WHERE resource_id = ANY ($1::text[])`,
    values: [resourceIds],
  });
  remove(trx, origin, rows);
}

/** The import of the same url and version; true where there was one. Of two imports of one system the second waits. */
export async function removeImported(
  trx: Transaction,
  origin: Origin,
  { url, version }: Pick<SourceSystem, 'url' | 'version'>,
): Promise<boolean> {
  trx.execute({ text: 'SELECT pg_advisory_xact_lock(4710016, hashtext($1))', values: [`${origin} ${url}`] });
  const rows = await trx.query<{ id: number }>({
    text: `SELECT id FROM ${origin}.code_system WHERE url = $1 AND version = $2 AND resource_id IS NULL`,
    values: [url, version],
  });
  remove(trx, origin, rows);
  return rows.length > 0;
}

function remove(trx: Transaction, origin: Origin, rows: readonly { readonly id: number }[]): void {
  if (rows.length === 0) return;
  const values = [rows.map(({ id }) => id)];
  for (const [table, column] of [
    ['concept_set', 'system_id'],
    ['concept', 'system_id'],
    ['code_system', 'id'],
  ]) {
    const text = `DELETE FROM ${origin}.${table} WHERE ${column} = ANY ($1::int[])`;
    trx.execute({ name: `delete-${table}-${origin}`, text, values });
  }
}

interface ConceptRow {
  readonly systemId: number;
  readonly concept: StoredConcept;
}

interface SetRow {
  readonly systemId: number;
  readonly key: string;
  readonly members: Buffer;
}

function conceptRows(systemId: number, { concepts }: IndexedSystem): ConceptRow[] {
  return concepts.map((concept) => ({ systemId, concept }));
}

function setRows(systemId: number, { sets }: IndexedSystem): SetRow[] {
  return [...(sets ?? [])].map(([key, members]) => ({ systemId, key, members }));
}

async function inParts<Row>(
  rows: readonly Row[],
  send: (some: readonly Row[]) => Promise<unknown>,
  progress: (done: number) => void,
): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsPerStatement) {
    const some = rows.slice(at, at + rowsPerStatement);
    await send(some);
    progress(at + some.length);
  }
}

/** Rows come back in the order they were given in. */
function insertSystems(origin: Origin, systems: readonly NamedSystem[]): Statement {
  const of = <T>(read: (system: SourceSystem) => T) => systems.map(({ system }) => read(system.source));
  return {
    name: `insert-code-systems-${origin}`,
    text: `INSERT INTO ${origin}.code_system (resource_id, url, version, content, subsumes, case_sensitive, value_set, supplements,
             title, properties, concept_count, indexed)
           SELECT resource_id, url, version, content, subsumes, case_sensitive, value_set, supplements, title,
             properties::jsonb, concept_count, indexed
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::bool[], $7::text[], $8::text[],
             $9::text[], $10::text[], $11::int[], $12::bool[]) AS row (resource_id, url, version, content, subsumes,
             case_sensitive, value_set, supplements, title, properties, concept_count, indexed)
           RETURNING id`,
    values: [
      systems.map(({ resourceId }) => resourceId),
      of(({ url }) => url),
      of(({ version }) => version),
      of(({ content }) => content),
      of(({ subsumes }) => subsumes),
      of(({ caseSensitive }) => caseSensitive),
      of(({ valueSet }) => valueSet ?? null),
      of(({ supplements }) => supplements ?? null),
      of(({ title }) => title),
      of(({ properties }) => JSON.stringify(properties)),
      of(({ concepts }) => concepts.length),
      systems.map(({ system }) => system.sets !== undefined),
    ],
  };
}

function insertConcepts(origin: Origin, rows: readonly ConceptRow[]): Statement {
  const of = <T>(read: (concept: StoredConcept) => T) => rows.map(({ concept }) => read(concept));
  return {
    name: `insert-concepts-${origin}`,
    text: `INSERT INTO ${origin}.concept (system_id, id, code, key, display, inactive, abstract, parents, below, detail)
           SELECT system_id, id, code, key, display, inactive, abstract, parents::int[], below::int[], detail::jsonb
           FROM unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::bool[], $8::text[],
             $9::text[], $10::text[])
             AS row (system_id, id, code, key, display, inactive, abstract, parents, below, detail)`,
    values: [
      rows.map(({ systemId }) => systemId),
      of(({ id }) => id),
      of(({ code }) => code),
      of(({ key }) => key),
      of(({ display }) => display),
      of(({ inactive }) => inactive),
      of(({ abstract }) => abstract),
      of(({ parents }) => `{${parents.join()}}`),
      of(({ below }) => `{${below.join()}}`),
      of(({ detail }) => detail && JSON.stringify(detail)),
    ],
  };
}

function insertSets(origin: Origin, sets: readonly SetRow[]): Statement {
  return {
    name: `insert-concept-sets-${origin}`,
    text: `INSERT INTO ${origin}.concept_set (system_id, key, members)
           SELECT system_id, key, decode(members, 'hex')
           FROM unnest($1::int[], $2::text[], $3::text[]) AS row (system_id, key, members)`,
    values: [
      sets.map(({ systemId }) => systemId),
      sets.map(({ key }) => key),
      sets.map(({ members }) => members.toString('hex')),
    ],
  };
}
