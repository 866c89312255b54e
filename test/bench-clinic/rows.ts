// The rows the server would have stored: its own extractor, cipher, tokens and insert statements, caught before they are sent.

import type { Resource } from '@medplum/fhirtypes';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import type { Statement } from '../../src/database/statement.ts';
import { serializeJson } from '../../src/fhir/json.ts';
import { insertIndexRows, insertRanges } from '../../src/repository/index-rows.ts';
import { insertResources, type ResourceRow } from '../../src/repository/resource-rows.ts';
import { countClassOf, type StoredChange } from '../../src/repository/store-changes.ts';
import { bodyContext } from '../../src/repository/stored-version.ts';
import type { IndexEntry } from '../../src/search/index-entry.ts';

export interface RowMaker {
  readonly cipher: TenantCipher;
  readonly extract: (resource: Resource) => IndexEntry[];
}

/** Rows of one table, to be copied. */
export interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** `stored` are first versions, with id and meta. They have no AuditEvents and no rows of workflows. */
export function rowsOf(stored: readonly Resource[], { cipher, extract }: RowMaker): TableRows[] {
  const changes = stored.map((resource) => storedChange(resource, extract(resource)));
  const statements: Statement[] = [];
  const recorder = {
    execute: (statement: Statement) => void statements.push(statement),
    query: () => Promise.reject(new Error('Rows are made without asking the database.')),
  };
  for (const { change, entries } of changes) {
    const resource = change.resource as Resource;
    insertResources(recorder, new Date(resource.meta?.lastUpdated ?? 0), [resourceRow(resource, entries, cipher)]);
  }
  insertIndexRows(recorder, changes);
  insertRanges({ trx: { ...recorder, tenantId: 0 }, cipher }, changes);
  return statements.map(tableRows);
}

function storedChange(resource: Resource, entries: readonly IndexEntry[]): StoredChange {
  const { resourceType: type, id = '' } = resource;
  const base = { index: 0, action: 'create', type, id, versionId: 1, old: undefined, oldResource: undefined } as const;
  const change = { ...base, byServer: true, resource, exactNumbers: undefined, told: [] };
  const result = { ...base, lastUpdated: new Date(0), json: undefined, changed: true };
  return { change, entries, result };
}

function resourceRow(resource: Resource, entries: readonly IndexEntry[], cipher: TenantCipher): ResourceRow {
  const { resourceType: type, id = '' } = resource;
  const tokens = entries.flatMap((entry) => (entry.kind === 'token' ? [cipher.tokenOf(entry.text)] : []));
  const content = cipher.seal(Buffer.from(serializeJson(resource, undefined)), bodyContext(type, id, 1));
  const countClass = countClassOf({ cipher }, entries);
  return {
    type,
    id,
    versionId: 1,
    deleted: false,
    content,
    objectId: null,
    tokens: `{${tokens.join(',')}}`,
    countClass,
  };
}

/** `INSERT INTO table (columns)`, with a value for each column in turn, or an array of them where they are unnested. */
export function tableRows({ text, values = [] }: Statement): TableRows {
  const [, table, list] = /^\s*INSERT INTO (\w+) \(([^)]*)\)/.exec(text) ?? [];
  if (table === undefined || list === undefined) throw new Error(`These are no rows: ${text.slice(0, 80)}`);
  const columns = list.split(',').map((column) => column.trim());
  if (columns.length !== values.length) throw new Error(`${table} is not given a value for each column.`);
  if (!text.includes('unnest(')) return { table, columns, rows: [values] };
  const arrays = values.map(elementsOf);
  return { table, columns, rows: (arrays[0] ?? []).map((_, n) => arrays.map((array) => array[n])) };
}

/** Of an array, or of PostgreSQL's text of one of numbers. */
function elementsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string' && /^\{[-\d,]*\}$/.test(value)) return value.slice(1, -1).split(',');
  throw new Error('A column is not given an array.');
}
