// The generic plan of a statement, without running it: https://www.postgresql.org/docs/current/sql-explain.html

import { randomUUID } from 'node:crypto';
import type { TenantTransaction } from '../../database/tenant-transaction.ts';

/** More of a printed plan, such as that of a thousand alternatives, is left out. */
const textLengthMax = 50_000;

export interface StatementPlan {
  /** As PostgreSQL prints it, without costs; what a client sent is `$1`, `$2`, ... */
  readonly text: string;
  readonly nodes: readonly PlanNode[];
  /** Of the whole statement. */
  readonly cost: number;
  readonly rows: number;
}

export interface PlanNode {
  readonly type: string;
  /** The step of the statement it belongs to, such as `anchor`; empty = the last one. */
  readonly step: string;
  readonly relation?: string;
  readonly index?: string;
  readonly cost: number;
  readonly rows: number;
}

/**
 * Plans with the caller's own role, tenant and row security. EXPLAIN of a statement with values would show them; one that is
 * prepared and planned once for all values, as those of searches are, has none.
 */
export async function explainPlan(trx: TenantTransaction, text: string, valuesCount: number): Promise<StatementPlan> {
  const name = `"explain-${randomUUID()}"`;
  const values = valuesCount === 0 ? '' : `(${Array.from({ length: valuesCount }, () => 'NULL').join(', ')})`;
  // All in one message, so that the connection goes back as it came.
  trx.execute({ text: `PREPARE ${name} AS ${text}` });
  const lines = trx.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN (COSTS OFF) EXECUTE ${name}${values}` });
  const trees = trx.query<{ 'QUERY PLAN': readonly [{ readonly Plan: RawNode }] }>({
    text: `EXPLAIN (FORMAT JSON) EXECUTE ${name}${values}`,
  });
  trx.execute({ text: `DEALLOCATE ${name}` });
  const [[row], printed] = await Promise.all([trees, lines]);
  if (!row) throw new Error('EXPLAIN gave no plan.');
  const [{ Plan: root }] = row['QUERY PLAN'];
  return {
    text: cut(printed.map((line) => line['QUERY PLAN']).join('\n')),
    nodes: nodesOf(root, ''),
    cost: roughly(root['Total Cost']),
    rows: roughly(root['Plan Rows']),
  };
}

function cut(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}\n…`;
}

interface RawNode {
  readonly 'Node Type': string;
  readonly 'Subplan Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly RawNode[];
}

function nodesOf(node: RawNode, outerStep: string): PlanNode[] {
  const step = /^CTE (\w+)$/.exec(node['Subplan Name'] ?? '')?.[1] ?? outerStep;
  const relation = node['Relation Name'];
  const index = node['Index Name'];
  const own: PlanNode = {
    type: node['Node Type'],
    step,
    ...(relation !== undefined && { relation }),
    ...(index !== undefined && { index }),
    cost: roughly(node['Total Cost']),
    rows: roughly(node['Plan Rows']),
  };
  return [own, ...(node.Plans ?? []).flatMap((child) => nodesOf(child, step))];
}

/**
 * To one digit. Estimates rest on the statistics of whole tables, those of all tenants together: finer ones would tell a tenant
 * how much the others have, and how fast it grows.
 */
export function roughly(estimate: number): number {
  return Number(estimate.toPrecision(1));
}
