// Rows of a file against the leaves of their tenant's tree: what leaves the database is what was sealed, all of it and nothing else.

import type { Statement } from '../../database/statement.ts';
import { type AuditRow, leafHash } from '../seal/leaf.ts';
import { eventName, SealDifference } from '../seal/verify/difference.ts';
import type { ArchiveHeader } from './archive-file.ts';
import { type StoredRow, timeOf } from './stored-rows.ts';

/** In sight of one tenant. */
export type AskTenant = <Row>(tenantId: number, statement: Statement) => Promise<Row[]>;

const rowsPerStep = 2_000;

export interface LeafCheck {
  add(rows: readonly StoredRow[], header: ArchiveHeader): Promise<void>;
  end(): Promise<void>;
  /** Of each tenant. */
  readonly counts: ReadonlyMap<number, number>;
}

/** With `ask` undefined rows are counted only: versions of resources are not sealed. */
export function createLeafCheck(ask: AskTenant | undefined): LeafCheck {
  const counts = new Map<number, number>();
  let waiting: AuditRow[] = [];
  let tenantId = 0;
  const flush = async () => {
    const rows = waiting;
    waiting = [];
    if (ask && rows.length > 0) await checkRows(ask, tenantId, rows);
  };
  return {
    counts,
    async add(rows, { columns }) {
      const [tenantAt, idAt, timeAt, contentAt] = ['tenant_id', 'id', 'last_updated', 'content'].map((name) =>
        columns.indexOf(name),
      ) as [number, number, number, number];
      for (const { fields } of rows) {
        const tenant = (fields[tenantAt] as Buffer).readInt32BE();
        counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
        if (!ask) continue;
        if (tenant !== tenantId || waiting.length === rowsPerStep) await flush();
        tenantId = tenant;
        const [id, time, content] = [fields[idAt], fields[timeAt], fields[contentAt]] as Buffer[] as [
          Buffer,
          Buffer,
          Buffer,
        ];
        // A copy: the pieces of the file are not kept for it.
        waiting.push({ id: id.toString(), lastUpdated: timeOf(time), content: Buffer.from(content) });
      }
    },
    end: flush,
  };
}

interface LeafRow {
  readonly id: string;
  readonly at: Date;
  readonly hash: Buffer;
}

async function checkRows(ask: AskTenant, tenantId: number, rows: readonly AuditRow[]): Promise<void> {
  const times = rows.map(({ lastUpdated }) => lastUpdated.getTime());
  const low = new Date(times.reduce((a, b) => Math.min(a, b)));
  const high = new Date(times.reduce((a, b) => Math.max(a, b)));
  const leaves = await ask<LeafRow>(tenantId, {
    name: 'leaves-of-rows',
    text: `SELECT leaf.id, leaf.at, substr(run.hashes, (leaf.place::int - 1) * 32 + 1, 32) AS hash
           FROM tenant.seal_leaves run CROSS JOIN LATERAL unnest(run.ids, run.times) WITH ORDINALITY AS leaf (id, at, place)
           WHERE run.high >= $1 AND run.low <= $2 AND leaf.id = ANY ($3::text[])`,
    values: [low, high, rows.map(({ id }) => id)],
  });
  const hashes = new Map(leaves.map(({ id, at, hash }) => [`${id} ${at.getTime()}`, hash]));
  for (const row of rows) {
    const hash = hashes.get(`${row.id} ${row.lastUpdated.getTime()}`);
    const name = eventName(row.id, row.lastUpdated);
    if (!hash) throw new SealDifference('unsealed', `${name} is not sealed; the worker seals within seconds.`);
    if (!hash.equals(leafHash(tenantId, row))) throw new SealDifference('edited', `${name} is not as it was sealed.`);
  }
}
