// Loads the large tenant of plan-clinic.ts as the server would have stored it, by COPY: https://www.postgresql.org/docs/current/populate.html

import type pg from 'pg';
import { indexGeneration } from '../../src/database/index-generation.ts';
import { countClassOf } from '../../src/repository/store-changes.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { copyRows } from '../bench-clinic/copy.ts';
import { withoutIndexes } from '../bench-clinic/load.ts';
import { definitions } from './evaluate.ts';
import { type Counts, type Kind, resourceOf, storedAt } from './plan-clinic.ts';
import { tokensOfTenant } from './plan-data.ts';

/** Resources of one COPY. */
const stretchLength = 5_000;
/** Tokens that are kept, for most come again. */
const tokensMax = 200_000;

/** As a superuser, into empty tables. Bodies are left out. */
export async function loadPlanClinic(client: pg.Client, tenantId: number, counts: Counts): Promise<void> {
  const makeRows = createRowMaker(tenantId, counts);
  await client.query('SET synchronous_commit = off');
  await withoutIndexes(client, async () => {
    for (const [kind, count] of Object.entries(counts) as [Kind, number][]) {
      for (let from = 0; from < count; from += stretchLength) {
        for (const rows of makeRows(kind, from, Math.min(from + stretchLength, count))) {
          if (rows.rows.length > 0) await copyRows(client, tenantId, rows);
        }
      }
    }
  });
  await client.query('UPDATE store.search_index SET generation = $1 WHERE tenant_id = $2', [indexGeneration, tenantId]);
  await client.query('VACUUM ANALYZE');
}

interface Tables {
  readonly resource: unknown[][];
  readonly date_value: unknown[][];
  readonly reference: unknown[][];
  readonly range_value: unknown[][];
}

const columns: Readonly<Record<keyof Tables, readonly string[]>> = {
  resource: ['type', 'id', 'version_id', 'last_updated', 'deleted', 'content', 'tokens', 'count_class'],
  date_value: ['type', 'id', 'parameter', 'low', 'high'],
  reference: ['source_type', 'source_id', 'parameter', 'target_type', 'target_id'],
  range_value: ['type', 'id', 'parameter', 'unit', 'low', 'high'],
};

function createRowMaker(tenantId: number, counts: Counts) {
  const extract = createExtractor(definitions);
  const hash = tokensOfTenant(tenantId);
  const known = new Map<string, bigint>();
  const tokenOf = (text: string) => {
    const token = known.get(text) ?? hash(text);
    if (known.size < tokensMax) known.set(text, token);
    return token;
  };
  const empty = Buffer.alloc(0);
  return (kind: Kind, from: number, to: number) => {
    const tables: Tables = { resource: [], date_value: [], reference: [], range_value: [] };
    for (let n = from; n < to; n++) {
      const resource = resourceOf(kind, n, counts);
      const key = [kind, resource.id];
      const tokens: bigint[] = [];
      const entries = extract(resource);
      for (const entry of entries) {
        if (entry.kind === 'token') tokens.push(tokenOf(entry.text));
        else if (entry.kind === 'reference')
          tables.reference.push([...key, entry.parameter, entry.targetType, entry.targetId]);
        else if (entry.kind === 'date')
          tables.date_value.push([...key, entry.parameter, new Date(entry.low), new Date(entry.high)]);
        else if (entry.kind === 'range')
          tables.range_value.push([...key, entry.parameter, tokenOf(entry.unit), entry.low, entry.high]);
      }
      const countClass = countClassOf({ cipher: { tokenOf } }, entries);
      tables.resource.push([...key, 1, storedAt(n), false, empty, `{${tokens.join(',')}}`, countClass]);
    }
    return (Object.keys(tables) as (keyof Tables)[]).map((table) => ({
      table,
      columns: columns[table],
      rows: tables[table],
    }));
  };
}
