// What the database knows of its archives: which rows of which tenant are in which file.

import type pg from 'pg';
import type { SealKey } from '../seal/seal-key.ts';
import { ArchiveError } from './archive-error.ts';
import type { ArchivedTable } from './months.ts';
import { type Share, shareBytes } from './signed-share.ts';

/** A file, with the rows of all tenants. */
export interface ArchivedFile {
  readonly table: ArchivedTable;
  readonly month: string;
  readonly part: number;
  readonly rows: number;
  /** Its name in the folder that it was written to. */
  readonly file: string;
  readonly sha256: Buffer;
  readonly archivedAt: Date;
  readonly archivedBy: string;
}

export async function listArchives(client: pg.Client): Promise<ArchivedFile[]> {
  const { rows } = await client.query<ArchivedFile & { readonly rows: string }>(
    `SELECT table_name AS "table", to_char(month, 'YYYY-MM') AS month, part, sum(rows)::text AS rows, file, sha256,
       min(archived_at) AS "archivedAt", min(archived_by) AS "archivedBy"
     FROM store.archive GROUP BY table_name, month, part, file, sha256 ORDER BY table_name, store.archive.month, part`,
  );
  return rows.map((row) => ({ ...row, rows: Number(row.rows) }));
}

export interface ManifestEntry {
  readonly table: ArchivedTable;
  readonly month: string;
  readonly part: number;
  readonly file: string;
  readonly sha256: Buffer;
  readonly by: string;
  readonly counts: ReadonlyMap<number, number>;
}

export async function insertManifest(client: pg.Client, entry: ManifestEntry, sealKey: SealKey): Promise<void> {
  const { table, month, part, file, sha256, by, counts } = entry;
  await client.query(
    `INSERT INTO store.archive (tenant_id, table_name, month, part, rows, file, sha256, archived_by, key, signature)
     SELECT tenant, $1, to_date($2, 'YYYY-MM'), $3, counted, $4, $5, $6, $7, signed
     FROM unnest($8::integer[], $9::bigint[], $10::bytea[]) AS of_tenant (tenant, counted, signed)`,
    [
      ...[table, month, part, file, sha256, by, sealKey.key, [...counts.keys()], [...counts.values()]],
      [...counts].map(([tenantId, rows]) => sealKey.sign(shareBytes({ tenantId, table, month, part, rows, sha256 }))),
    ],
  );
}

/** Signs the shares of a file that an earlier version has archived; `counts` are the rows that the file has. Gives how many these are. */
export async function signShares(
  client: pg.Client,
  { table, month, part, sha256, file }: ArchivedFile,
  counts: ReadonlyMap<number, number>,
  sealKey: SealKey,
): Promise<number> {
  const place = [table, month, part];
  const { rows: unsigned } = await client.query<Pick<Share, 'tenantId'> & { readonly rows: string }>(
    `SELECT tenant_id AS "tenantId", rows::text AS rows FROM store.archive
     WHERE table_name = $1 AND month = to_date($2, 'YYYY-MM') AND part = $3 AND signature IS NULL`,
    place,
  );
  for (const { tenantId, rows: known } of unsigned) {
    const rows = counts.get(tenantId) ?? 0;
    if (rows !== Number(known))
      throw new ArchiveError(`${file} has ${rows} rows of tenant ${tenantId}, and ${known} were archived.`);
    const signature = sealKey.sign(shareBytes({ tenantId, table, month, part, rows, sha256 }));
    await client.query(
      `UPDATE store.archive SET key = $4, signature = $5
       WHERE table_name = $1 AND month = to_date($2, 'YYYY-MM') AND part = $3 AND tenant_id = $6`,
      [...place, sealKey.key, signature, tenantId],
    );
  }
  return unsigned.length;
}

/** The number of the next file of a month. */
export async function nextPart(client: pg.Client, table: ArchivedTable, month: string): Promise<number> {
  const { rows } = await client.query<{ part: number }>(
    `SELECT coalesce(max(part), 0) + 1 AS part FROM store.archive WHERE table_name = $1 AND month = to_date($2, 'YYYY-MM')`,
    [table, month],
  );
  return rows[0]?.part ?? 1;
}

/** One tenant's share of a file whose AuditEvent is still to be written. */
export interface UntoldArchive {
  readonly tenantId: number;
  readonly table: ArchivedTable;
  readonly month: string;
  readonly part: number;
}

/** Shredded tenants have no AuditEvents any more. */
export async function untoldArchives(client: pg.Client): Promise<UntoldArchive[]> {
  const { rows } = await client.query<UntoldArchive>(
    `SELECT tenant_id AS "tenantId", table_name AS "table", to_char(month, 'YYYY-MM') AS month, part
     FROM store.archive JOIN store.tenant ON id = tenant_id
     WHERE NOT is_told AND status IN ('active', 'suspended') ORDER BY 1, 2, 3, 4`,
  );
  return rows;
}

export async function markTold(client: pg.Client, { tenantId, table, month, part }: UntoldArchive): Promise<void> {
  await client.query(
    `UPDATE store.archive SET is_told = true
     WHERE tenant_id = $1 AND table_name = $2 AND month = to_date($3, 'YYYY-MM') AND part = $4`,
    [tenantId, table, month, part],
  );
}

/** Those with rows in the file, of which some may be shredded and be told nothing. */
export async function tenantsOf(client: pg.Client, { table, month, part }: ArchivedFile): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT id FROM store.archive JOIN store.tenant ON id = tenant_id
     WHERE table_name = $1 AND month = to_date($2, 'YYYY-MM') AND part = $3 AND status IN ('active', 'suspended')`,
    [table, month, part],
  );
  return rows.map(({ id }) => id);
}

/** Those whose index key is another one since: AuditEvents of the file have search tokens that nobody asks by any more. */
export async function retokened(client: pg.Client, { table, month, part }: ArchivedFile): Promise<string[]> {
  if (table !== 'audit_event') return [];
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT name FROM store.archive JOIN store.tenant ON tenant.id = archive.tenant_id
     JOIN store.tenant_key ON tenant_key.tenant_id = archive.tenant_id AND purpose = 'index' AND tenant_key.created_at > archived_at
     WHERE table_name = $1 AND month = to_date($2, 'YYYY-MM') AND part = $3 ORDER BY 1`,
    [table, month, part],
  );
  return rows.map(({ name }) => name);
}

/** The months of a table that have a partition, the oldest first. */
export async function monthsBefore(client: pg.Client, table: ArchivedTable, before: string): Promise<string[]> {
  const { rows } = await client.query<{ month: string }>(
    `SELECT replace(right(relname, 7), '_', '-') AS month FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = $1::regclass AND relname ~ '_\\d{4}_\\d{2}$' ORDER BY 1`,
    [`store.${table}`],
  );
  return rows.map(({ month }) => month).filter((month) => month < before);
}
