// What the database reads for a statement, by the plan that a connection made of it for a tenant of a few rows.

import pg from 'pg';
import type { SearchStatement } from '../../src/search/compile/sql.ts';

export interface Reading {
  /** Rows of tables: those given on and those thrown away. */
  readonly rows: number;
  /** Entries of indexes whose rows were only then looked at. */
  readonly bitmapEntries: number;
  readonly sequential: readonly string[];
  readonly ms: number;
}

export type PlanMode = 'auto' | 'force_generic_plan';

export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly Plan: PlanNode;
  readonly 'Execution Time': number;
}

/** Of a connection of role hpms_app: runs the statement for one tenant, as often as it takes to keep a plan, then measures it for the other. */
export async function readingOf(
  client: pg.Client,
  {
    statement,
    mode,
    planned,
    measured,
  }: {
    readonly statement: SearchStatement;
    readonly mode: PlanMode;
    readonly planned: { readonly tenantId: number; readonly values: readonly unknown[] };
    readonly measured: { readonly tenantId: number; readonly values: readonly unknown[] };
  },
): Promise<Reading> {
  await client.query(`SET plan_cache_mode = ${mode}`);
  await client.query(`PREPARE planned AS ${statement.text}`);
  try {
    for (let run = 0; run < 6; run++) await asTenant(client, planned.tenantId, executeText(planned.values));
    const explain = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${executeText(measured.values)}`;
    const [row] = await asTenant<{ 'QUERY PLAN': [Explained] }>(client, measured.tenantId, explain);
    const [explained] = row?.['QUERY PLAN'] ?? [];
    if (!explained) throw new Error('There is no plan.');
    return { ...readingOfPlan(explained.Plan), ms: explained['Execution Time'] };
  } finally {
    await client.query('DEALLOCATE planned');
  }
}

export async function asTenant<Row>(
  client: pg.Client,
  tenantId: number,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  await client.query(`BEGIN; SET LOCAL hpms.tenant_id = ${tenantId}`);
  const { rows } = await client.query(text, values as unknown[]);
  await client.query('COMMIT');
  return rows as Row[];
}

function executeText(values: readonly unknown[]): string {
  return values.length === 0 ? 'EXECUTE planned' : `EXECUTE planned (${values.map(literalOf).join(', ')})`;
}

function literalOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (!Array.isArray(value)) return pg.escapeLiteral(String(value));
  const elements = value.map((one) => (one === null ? 'NULL' : `"${String(one).replace(/["\\]/g, '\\$&')}"`));
  return pg.escapeLiteral(`{${elements.join(',')}}`);
}

/** Of a plan that was run with ANALYZE. */
export function readingOfPlan(plan: PlanNode): Omit<Reading, 'ms'> {
  return sumOf(nodesOf(plan));
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

function sumOf(nodes: readonly PlanNode[]): Omit<Reading, 'ms'> {
  // Of several loops the plan tells the mean, to two digits.
  const readBy = (node: PlanNode) =>
    Math.round(
      node['Actual Loops'] *
        (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)),
    );
  const sum = (some: readonly PlanNode[]) => some.reduce((total, node) => total + readBy(node), 0);
  return {
    rows: sum(nodes.filter((node) => node['Relation Name'] !== undefined)),
    bitmapEntries: sum(nodes.filter((node) => node['Node Type'] === 'Bitmap Index Scan')),
    sequential: nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'] ?? ''),
  };
}
