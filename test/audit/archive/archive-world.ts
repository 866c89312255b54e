// A database whose tenants have AuditEvents and versions of months that are over, sealed, for tests of what leaves it and comes back.

import { createHash } from 'node:crypto';
import type pg from 'pg';
import {
  type ArchivedMonth,
  type ArchiveMonthOptions,
  archiveMonth,
} from '../../../src/audit/archive/archive-month.ts';
import { listArchives } from '../../../src/audit/archive/manifest.ts';
import type { ArchivedTable } from '../../../src/audit/archive/months.ts';
import { withOperator } from '../../../src/audit/archive/operator.ts';
import { restoreMonth } from '../../../src/audit/archive/restore-month.ts';
import { openSealKey, type SealKey } from '../../../src/audit/seal/seal-key.ts';
import { withClient } from '../../support/database.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { makeSealWorld, roots, type SealWorld } from '../seal/seal-world.ts';

export const month = '2026-03';
export const inMonth: Date = new Date('2026-03-15T12:00:00.123Z');

export interface ArchiveWorld extends SealWorld {
  readonly folder: string;
  /** Of the installation. */
  readonly sealKey: SealKey;
  /** Versions of one resource, superseded at one time. */
  supersede(tenantId: number, id: string, count: number, objectId?: string): Promise<void>;
  archive(options?: Partial<ArchiveMonthOptions>): Promise<ArchivedMonth | undefined>;
  restore(table?: ArchivedTable): Promise<void>;
  /** Of all rows of a table as they are stored. */
  fingerprint(table: ArchivedTable): Promise<string>;
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function makeArchiveWorld(): Promise<ArchiveWorld> {
  const world = await makeSealWorld();
  const folder = makeTemporaryFolder();
  const sealKey = await openSealKey(world.tenantDoor, roots);
  let clockMs = Date.UTC(2026, 10, 20);
  const operate = <T>(work: (client: pg.Client) => Promise<T>) => withOperator(world.url, work);
  const query = <Row>(text: string, values: readonly unknown[] = []) =>
    withClient(world.url, async (client) => (await client.query(text, [...values])).rows as Row[]);
  for (const table of ['audit_event', 'history'] as const)
    await query(`SELECT store.make_partition('${table}', '${month}-01')`);
  return {
    ...world,
    folder,
    sealKey,
    query,
    async supersede(tenantId, id, count, objectId) {
      await query(
        `INSERT INTO store.history (tenant_id, type, id, version_id, last_updated, deleted, content, object_id)
         SELECT $1, 'Patient', $2, version, $3, false, CASE WHEN $5::uuid IS NULL THEN sha256(version::text::bytea) END, $5::uuid
         FROM generate_series(1, $4::integer) AS version`,
        [tenantId, id, inMonth, count, objectId],
      );
    },
    archive: (options = {}) =>
      operate((client) =>
        archiveMonth({
          ...{ client, table: 'audit_event', month, folder, by: 'operator', sealKey, now: () => new Date(clockMs++) },
          ...options,
        }),
      ),
    async restore(table = 'audit_event') {
      await operate(async (client) => {
        for (const archived of await listArchives(client)) {
          if (archived.table === table) await restoreMonth({ client, archived, folder });
        }
      });
    },
    async fingerprint(table) {
      const rows = await query<{ row: string }>(`SELECT row::text AS row FROM store.${table} AS row ORDER BY 1`);
      return `${rows.length} ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`;
    },
  };
}
