// Takes a month of a table out of the database: into a file first, which is read back and compared, then its partition is
// exchanged for an empty one, all in one transaction. Whatever stops it before that COMMIT leaves everything as it was.

import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { sqlState } from '../../database/sql-errors.ts';
import type { SealKey } from '../seal/seal-key.ts';
import { sealerLock } from '../seal/sealer.ts';
import { SealDifference } from '../seal/verify/difference.ts';
import { ArchiveError } from './archive-error.ts';
import { hashFile, readArchive } from './archive-file.ts';
import { createLeafCheck } from './check-leaves.ts';
import { insertManifest, type ManifestEntry, nextPart } from './manifest.ts';
import { type ArchivedTable, firstMsOf, monthBefore, monthOf, partitionOf } from './months.ts';
import { askAs } from './operator.ts';
import { writeArchive } from './write-archive.ts';

export interface ArchiveMonthOptions {
  /** From `withOperator`. */
  readonly client: pg.Client;
  readonly table: ArchivedTable;
  readonly month: string;
  readonly folder: string;
  /** Who does it. */
  readonly by: string;
  readonly now: () => Date;
  readonly sealKey: SealKey;
  /** For tests: points at which they end it. */
  readonly reached?: (point: 'copied' | 'verified' | 'exchanging') => Promise<void>;
}

export interface ArchivedMonth {
  readonly file: string;
  readonly rows: number;
}

/** Waiting for the table keeps everybody else waiting who comes behind: not longer than this, and again later. */
const lockTimeoutMs = 300;
const exchangesMax = 40;
const exchangeAgainMs = 500;

/** Undefined where the month has no row. */
export async function archiveMonth(options: ArchiveMonthOptions): Promise<ArchivedMonth | undefined> {
  const { client, table, month, folder, now, reached } = options;
  if (month >= monthOf(now())) throw new ArchiveError(`${month} is not over.`);
  const partition = partitionOf(table, month);
  if (!(await hasRows(client, partition))) return undefined;
  await requireFree(client, partition);
  if (table === 'audit_event') await requireNothingNoted(client, month);
  await watchWrites(client, partition);
  try {
    const late = await lateRows(client);
    const name = fileName(table, month, now());
    const file = path.join(folder, name);
    await atOneMoment(client, () => writeArchive({ client, table, month, file }));
    await reached?.('copied');
    const checked = await verify(options, file);
    await reached?.('verified');
    const part = await nextPart(client, table, month);
    await exchange(options, { table, month, part, file: name, by: options.by, ...checked }, late);
    return { file, rows: [...checked.counts.values()].reduce((sum, count) => sum + count, 0) };
  } catch (error) {
    await unwatchWrites(client, partition);
    throw error;
  }
}

/** Never one that is there, not even one that was left behind half-way. */
function fileName(table: ArchivedTable, month: string, at: Date): string {
  return `${table}-${month}-${at.toISOString().replace(/[-:.]/g, '')}.hpms`;
}

async function hasRows(client: pg.Client, partition: string): Promise<boolean> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS found', [partition]);
  if (rows[0]?.found !== true) return false;
  const { rowCount } = await client.query(`SELECT FROM ${partition} LIMIT 1`);
  return rowCount !== 0;
}

/** A hold is on everything of its tenant, also on what comes later. */
async function requireFree(client: pg.Client, partition: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT name FROM store.legal_hold JOIN store.tenant ON tenant.id = legal_hold.tenant_id
     WHERE EXISTS (SELECT FROM ${partition} AS row WHERE row.tenant_id = legal_hold.tenant_id) ORDER BY name`,
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new ArchiveError(`${partition} has rows of tenants under legal hold: ${names}.`);
}

/** What was read or refused in the month becomes its AuditEvents within seconds; where it has not, no worker runs. */
async function requireNothingNoted(client: pg.Client, month: string): Promise<void> {
  const end = firstMsOf(monthBefore(month, -1));
  const before = end.toString(16).padStart(12, '0');
  const { rowCount } = await client.query('SELECT FROM store.access_block WHERE id < $1 LIMIT 1', [
    `${before.slice(0, 8)}-${before.slice(8)}`,
  ]);
  if (rowCount !== 0) {
    throw new ArchiveError(`Accesses of ${month} are no AuditEvents yet; a worker (npm start) makes them so.`);
  }
}

/** Waits for those who are writing to the month; reading goes on. */
async function watchWrites(client: pg.Client, partition: string): Promise<void> {
  await patiently(client, () =>
    client.query(
      `CREATE OR REPLACE TRIGGER note_late_row AFTER INSERT OR UPDATE ON ${partition}
         FOR EACH ROW EXECUTE FUNCTION store.note_late_row()`,
    ),
  );
}

/** Where it stays, because somebody reads for long or the connection is lost, it only counts. */
async function unwatchWrites(client: pg.Client, partition: string): Promise<void> {
  await client
    .query(
      `SET lock_timeout = ${lockTimeoutMs}; DROP TRIGGER IF EXISTS note_late_row ON ${partition}; RESET lock_timeout`,
    )
    .catch(() => undefined);
}

async function lateRows(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ value: string }>(
    'SELECT last_value::text || is_called AS value FROM store.late_rows',
  );
  return rows[0]?.value ?? '';
}

async function atOneMoment<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

/** As somebody who has the file alone would: its hash, its rows, and each AuditEvent against its leaf. */
async function verify(
  { client, table, month }: ArchiveMonthOptions,
  file: string,
): Promise<Pick<ManifestEntry, 'sha256' | 'counts'>> {
  const leaves = createLeafCheck(table === 'audit_event' ? askAs(client) : undefined);
  for await (const { header, rows } of readArchive(file)) {
    if (header.table !== table || header.month !== month) throw new ArchiveError(`${file} is of another month.`);
    await leaves.add(rows, header);
  }
  await leaves.end();
  if (table === 'audit_event') await requireAllLeaves(client, month, leaves.counts);
  return { sha256: await hashFile(file), counts: leaves.counts };
}

/** What was sealed of the month is in its files, this one and earlier ones. */
async function requireAllLeaves(client: pg.Client, month: string, counts: ReadonlyMap<number, number>): Promise<void> {
  const times = [new Date(firstMsOf(month)), new Date(firstMsOf(monthBefore(month, -1)))];
  const { rows } = await client.query<{ tenantId: number; sealed: string; archived: string }>(
    `SELECT run.tenant_id AS "tenantId", count(*)::text AS sealed,
       (SELECT coalesce(sum(rows), 0)::text FROM store.archive
        WHERE archive.tenant_id = run.tenant_id AND table_name = 'audit_event' AND month = to_date($3, 'YYYY-MM')) AS archived
     FROM store.seal_leaves AS run CROSS JOIN LATERAL unnest(run.times) AS leaf (at)
     WHERE run.high >= $1 AND run.low < $2 AND leaf.at >= $1 AND leaf.at < $2 GROUP BY run.tenant_id`,
    [...times, month],
  );
  for (const { tenantId, sealed, archived } of rows) {
    const there = (counts.get(tenantId) ?? 0) + Number(archived);
    if (there === Number(sealed)) continue;
    throw new SealDifference(
      'deleted',
      `Of tenant ${tenantId} ${sealed} AuditEvents of ${month} were sealed, and ${there} are there; npm run audit:verify names the first.`,
    );
  }
}

async function exchange(options: ArchiveMonthOptions, entry: ManifestEntry, late: string): Promise<void> {
  const { client, table } = options;
  const change = () => patiently(client, () => exchangeOnce(options, entry, late));
  if (table === 'history') return await change();
  // A sealer reads AuditEvents in turns of ten seconds, one behind the other.
  await client.query('SELECT pg_advisory_lock($1)', [sealerLock]);
  try {
    await change();
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [sealerLock]).catch(() => undefined);
  }
}

async function patiently<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
      return await work();
    } catch (error) {
      // Somebody reads or writes for longer than others may be kept waiting, or two wait for each other.
      if (attempt === exchangesMax || !['55P03', '40P01'].includes(sqlState(error) ?? '')) throw error;
    } finally {
      await client.query('RESET lock_timeout').catch(() => undefined);
    }
    await delay(exchangeAgainMs);
  }
}

async function exchangeOnce(
  { client, table, month, sealKey, reached }: ArchiveMonthOptions,
  entry: ManifestEntry,
  late: string,
): Promise<void> {
  const partition = partitionOf(table, month);
  await client.query('BEGIN');
  try {
    // Who is about to set a hold is waited for, and comes too late afterwards.
    await client.query('LOCK TABLE store.legal_hold IN SHARE MODE');
    await requireFree(client, partition);
    await insertManifest(client, entry, sealKey);
    if (table === 'history') await keepObjects(client, entry);
    await reached?.('exchanging');
    await client.query(`LOCK TABLE store.${table} IN ACCESS EXCLUSIVE MODE`);
    if ((await lateRows(client)) !== late)
      throw new ArchiveError(`Rows of ${month} were written meanwhile; run the command again.`);
    await client.query(`ALTER TABLE store.${table} DETACH PARTITION ${partition}`);
    await client.query(`DROP TABLE ${partition}`);
    await client.query(`SELECT store.make_partition($1, to_date($2, 'YYYY-MM'))`, [table, month]);
    await client.query("SELECT pg_notify('hpms_access', '')");
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Bodies that are in the object store stay there. */
async function keepObjects(client: pg.Client, { table, month, part }: ManifestEntry): Promise<void> {
  await client.query(
    `INSERT INTO store.archived_object (tenant_id, object_id, month, part)
     SELECT DISTINCT tenant_id, object_id, to_date($1, 'YYYY-MM'), $2::integer FROM ${partitionOf(table, month)}
     WHERE object_id IS NOT NULL`,
    [month, part],
  );
}
