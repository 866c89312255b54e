// Which AuditEvents of all tenants were committed since all of them were sealed last: by PostgreSQL's snapshots, so that none
// is missed however late its transaction commits: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT

import type { Transaction } from '../../database/transaction.ts';

/** A moment of a database server; transaction numbers mean nothing to another one. */
export interface Moment {
  readonly server: string;
  readonly snapshot: string;
}

/** What one transaction has committed of one tenant. */
export interface FoundEvents {
  readonly tenantId: number;
  readonly tx: string;
  readonly count: number;
  readonly oldest: Date;
  readonly newest: Date;
}

export async function momentOf(trx: Transaction): Promise<Moment> {
  const [row] = await trx.query<Moment>({
    text: `SELECT system_identifier::text AS server, pg_current_snapshot()::text AS snapshot FROM pg_control_system()`,
  });
  return row as Moment;
}

/** False after a dump was restored on a server whose numbers say nothing about its rows: all of them are gone through once. */
export function isEarlier(moment: Moment, now: Moment): boolean {
  return moment.server === now.server && startOf(moment) <= endOf(now);
}

export interface UnsealedPart {
  /** What was committed then is sealed; absent: nobody knows what is. */
  readonly since: Moment | undefined;
  readonly until: Moment;
  /** The transaction that the last part ended with. */
  readonly after: string | undefined;
  readonly countMin: number;
}

/** In the order of transactions, all events of the last one with it, so at least `countMin` when there are as many. */
export async function findUnsealed(trx: Transaction, part: UnsealedPart): Promise<FoundEvents[]> {
  const { since, until, after, countMin } = part;
  if (!since) return await findAny(trx, after ?? '0', countMin);
  return await trx.query<FoundEvents>({
    name: 'unsealed-events',
    text: byTransaction(
      `tx > $1::text::xid8 AND tx < $2::text::xid8
       AND NOT pg_visible_in_snapshot(tx, $3::text::pg_snapshot) AND pg_visible_in_snapshot(tx, $4::text::pg_snapshot)`,
      '$5',
    ),
    values: [after ?? String(startOf(since) - 1n), String(endOf(until)), since.snapshot, until.snapshot, countMin],
  });
}

/** Also what seems to come from the future, by the numbers of another server. */
async function findAny(trx: Transaction, after: string, countMin: number): Promise<FoundEvents[]> {
  return await trx.query<FoundEvents>({
    name: 'any-events',
    text: byTransaction('tx > $1::text::xid8', '$2'),
    values: [after, countMin],
  });
}

function byTransaction(test: string, countMin: string): string {
  return `SELECT found.tenant_id AS "tenantId", found.tx::text AS tx, count(*)::int AS count,
            min(found.last_updated) AS oldest, max(found.last_updated) AS newest
          FROM (SELECT tenant_id, last_updated, tx FROM audit_event WHERE ${test}
                ORDER BY audit_event.tx FETCH FIRST ${countMin} ROWS WITH TIES) AS found
          GROUP BY found.tenant_id, found.tx ORDER BY found.tx`;
}

/** The oldest transaction that was running. */
function startOf({ snapshot }: Moment): bigint {
  return BigInt(snapshot.split(':')[0] as string);
}

/** The first that had not begun. */
function endOf({ snapshot }: Moment): bigint {
  return BigInt(snapshot.split(':')[1] as string);
}
