// Proof that the floor stores what the server stores: without it the ratio of the two says nothing.

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Call } from './driver.ts';

/** Of one call, or the mean of several. */
export interface StoredRows {
  readonly resources: number;
  readonly contentBytes: number;
  readonly tokens: number;
  readonly references: number;
  readonly dates: number;
  readonly ranges: number;
  readonly auditEvents: number;
  readonly auditBytes: number;
  readonly auditTokens: number;
}

/** Rows belong to a call when the same transaction wrote them. */
const rowsOfTransaction = `
  WITH mine AS MATERIALIZED (SELECT * FROM store.resource WHERE tenant_id = $1 AND tx = (
    SELECT tx FROM store.resource WHERE tenant_id = $1 AND type = $2 AND id = $3))
  SELECT count(*)::int AS "resources", sum(octet_length(content))::int AS "contentBytes",
    sum(cardinality(tokens))::int AS "tokens",
    (SELECT count(*)::int FROM store.reference JOIN mine ON source_type = type AND source_id = id
      WHERE reference.tenant_id = $1) AS "references",
    (SELECT count(*)::int FROM store.date_value AS date JOIN mine ON date.type = mine.type AND date.id = mine.id
      WHERE date.tenant_id = $1) AS "dates",
    (SELECT count(*)::int FROM store.range_value AS range JOIN mine ON range.type = mine.type AND range.id = mine.id
      WHERE range.tenant_id = $1) AS "ranges",
    audit.*
  FROM mine, (SELECT count(*)::int AS "auditEvents", sum(octet_length(content))::int AS "auditBytes",
      sum(cardinality(tokens))::int AS "auditTokens"
    FROM store.audit_event WHERE tenant_id = $1 AND tx = (SELECT tx FROM mine LIMIT 1)) AS audit
  GROUP BY audit."auditEvents", audit."auditBytes", audit."auditTokens"`;

const groupedAfterMs = 1_500;

/** `write` gives the type and id of a resource that the call made; names differ in length, so the mean is one of many. */
export async function meanRows(
  client: pg.Client,
  tenantId: number,
  write: (n: number) => Promise<readonly [type: string, id: string]>,
  calls: number,
): Promise<StoredRows> {
  // What AuditEvents have alike is stored once when it was seen twice.
  for (let n = -3; n < 0; n++) await write(n);
  await delay(groupedAfterMs);
  const sums: Record<string, number> = {};
  for (let n = 0; n < calls; n++) {
    const { rows } = await client.query<StoredRows>(rowsOfTransaction, [tenantId, ...(await write(n))]);
    for (const [name, value] of Object.entries(rows[0] as StoredRows)) sums[name] = (sums[name] ?? 0) + value;
  }
  const means = Object.entries(sums).map(([name, sum]) => [name, sum / calls]);
  return Object.fromEntries(means) as unknown as StoredRows;
}

/** Numbers of rows must be equal; tokens and bytes vary with the names and numbers in the bodies. */
export function requireSameRows(scenario: string, server: StoredRows, floor: StoredRows): void {
  for (const [name, wanted] of Object.entries(server)) {
    const found = floor[name as keyof StoredRows];
    const tolerance = /Bytes|okens/.test(name) ? 0.05 : 0;
    if (Math.abs(found - wanted) <= wanted * tolerance) continue;
    throw new Error(`${scenario}: the floor stores ${found} ${name}, the server ${wanted}; make them the same.`);
  }
}

/** What a call made, from its answer. */
export function madeBy(call: Call, answer: string): readonly [type: string, id: string] {
  const body = JSON.parse(answer) as {
    readonly resourceType: string;
    readonly id?: string;
    readonly entry?: readonly { readonly response: { readonly location: string } }[];
  };
  if (body.id !== undefined) return [body.resourceType, body.id];
  const [, type, id] = /(\w+)\/([\w-]+)\/_history\/1$/.exec(body.entry?.[0]?.response.location ?? '') ?? [];
  if (type === undefined || id === undefined) throw new Error(`${call.path} did not say what it made.`);
  return [type, id];
}
