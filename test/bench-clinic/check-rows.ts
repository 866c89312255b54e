// Proof that what is loaded is what the server would have written: a copy made by the loader, row by row beside the original.

import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '@medplum/fhirtypes';
import type pg from 'pg';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { newId } from '../../src/fhir/ids.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { sliceOf } from '../../src/search/slices.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { copyRows } from './copy.ts';
import { isOpenInvoice, type Kind, kinds } from './plan.ts';
import { bodyOf } from './resources.ts';
import { rowsOf } from './rows.ts';

export interface CheckedTenant {
  readonly api: FhirApi;
  readonly database: pg.Client;
  readonly tenantId: number;
  readonly cipher: TenantCipher;
  readonly patients: number;
}

const perKind = 5;
/** Beyond all that are loaded, so that no two have the same identifier. */
const firstNumber = 900_000_000;
const openInvoices = Array.from({ length: 100 }, (_, n) => n).filter(isOpenInvoice);

/** Throws where a row is missing, or other than the server's. Leaves a few resources behind. */
export async function checkRows(tenant: CheckedTenant): Promise<number> {
  let compared = 0;
  for (const kind of kinds) {
    for (let n = 0; n < perKind; n++) compared += await compareOne(tenant, kind, firstNumber + n);
  }
  return compared;
}

/** The slice of an id is the one thing in the index that two alike differ in. */
function idInSlice(slice: string): string {
  let id = newId(Date.now());
  while (sliceOf(id) !== slice) id = newId(Date.now());
  return id;
}

async function compareOne({ api, database, tenantId, cipher, patients }: CheckedTenant, kind: Kind, n: number) {
  const created = await api.call('POST', `/${kind}`, bodyWithin(kind, n, patients));
  if (created.status !== 201) throw new Error(`${kind} was answered ${created.status}: ${created.body()}`);
  const written = JSON.parse(created.body()) as Resource & { id: string };
  const copy = { ...written, id: idInSlice(sliceOf(written.id)) };
  const maker = { cipher, extract: createExtractor(houseDefinitions()) };
  for (const rows of rowsOf([copy], maker)) await copyRows(database, tenantId, rows);
  const read = await api.ask<Resource>('GET', `/${kind}/${copy.id}`, 200);
  if (!isDeepStrictEqual(read, copy)) throw new Error(`A loaded ${kind} is not read as it was written.`);
  const [original, loaded] = [
    await indexRows(database, tenantId, kind, written.id),
    await indexRows(database, tenantId, kind, copy.id),
  ];
  if (!isDeepStrictEqual(original, loaded)) {
    throw new Error(
      `The server has other rows of a ${kind} than the loader:\n${original.join('\n')}\n\n${loaded.join('\n')}`,
    );
  }
  return original.length;
}

/** References must be to those that are there, and no client may say of an Invoice that it is paid. */
function bodyWithin(kind: Kind, n: number, patients: number): Resource {
  if (kind === 'Invoice') return bodyOf(kind, openInvoices[n - firstNumber] ?? 0, patients);
  return bodyOf(kind, kind === 'Observation' ? n - firstNumber : n, patients);
}

/** All rows of a resource but those of workflows, without what differs between any two. */
async function indexRows(database: pg.Client, tenantId: number, type: string, id: string): Promise<string[]> {
  const { rows: tables } = await database.query<{ name: string; type: string; id: string }>(`
    SELECT relname::text AS name, t.attname::text AS type, i.attname::text AS id FROM pg_class
    JOIN pg_attribute t ON t.attrelid = pg_class.oid
      AND (t.attname = 'type' OR (relname = 'reference' AND t.attname = 'source_type'))
    JOIN pg_attribute i ON i.attrelid = pg_class.oid AND i.attname = replace(t.attname, 'type', 'id')
      AND i.atttypid = 'text'::regtype
    WHERE relnamespace = 'store'::regnamespace AND relkind = 'r' ORDER BY relname`);
  const found: string[] = [];
  for (const table of tables) {
    const { rows } = await database.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(s) - 'tx' - 'content' - '${table.id}' AS row FROM store.${table.name} s
       WHERE tenant_id = $1 AND ${table.type} = $2 AND ${table.id} = $3`,
      [tenantId, type, id],
    );
    for (const { row } of rows) found.push(`${table.name} ${JSON.stringify(sorted(row))}`);
  }
  return found.sort();
}

/** The order of tokens says nothing. */
function sorted(row: Record<string, unknown>): Record<string, unknown> {
  return Array.isArray(row.tokens) ? { ...row, tokens: row.tokens.map(String).sort() } : row;
}
