// Opens every stored body once, with the tenant's keys: what is not as it was sealed is named, and the rest is looked at all the same.

import type pg from 'pg';
import type { KeyRing } from '../../crypto/key-ring.ts';
import type { TenantCipher } from '../../crypto/tenant-cipher.ts';
import type { ObjectStore } from '../../gateways/object-store.ts';
import { KeyRefusal } from '../../gateways/root-key.ts';
import { openWithoutData, type VersionRow, versionColumns } from '../../repository/stored-version.ts';

export interface OpenedRows {
  readonly opened: number;
  /** Such as `clinic-a: Patient/1 version 2`. */
  readonly damaged: readonly string[];
  /** Tenants of which nothing opens, with what was said of their keys. */
  readonly dark: readonly string[];
}

export interface OpenRowsOptions {
  /** Of a role that sees all rows. */
  readonly client: pg.Client;
  readonly keyRing: KeyRing;
  readonly objectStore: ObjectStore;
  readonly progress: (text: string) => void;
}

const rowsAtOnce = 500;
/** Whoever reads on from more is not helped. */
const damagedMax = 1_000;

const tables = {
  resource: `SELECT ${versionColumns} FROM store.resource WHERE tenant_id = $1`,
  history: `SELECT ${versionColumns} FROM store.history WHERE tenant_id = $1`,
  audit_event: `SELECT 'AuditEvent' AS type, id, 1 AS version_id, last_updated, false AS deleted, content, NULL AS object_id
                FROM store.audit_event WHERE tenant_id = $1`,
};

/** Tenants that were shredded have no keys, and nothing of theirs is looked at. */
export async function openRows({ client, keyRing, objectStore, progress }: OpenRowsOptions): Promise<OpenedRows> {
  const damaged: string[] = [];
  const dark: string[] = [];
  let opened = 0;
  const { rows: tenants } = await client.query<{ id: number; name: string }>(
    "SELECT id, name FROM store.tenant WHERE status <> 'shredded' ORDER BY id",
  );
  for (const { id, name } of tenants) {
    const cipher = await cipherOf(keyRing, id);
    if (cipher instanceof KeyRefusal) {
      dark.push(`${name}: ${cipher.message}`);
      continue;
    }
    for (const [table, text] of Object.entries(tables)) {
      for await (const row of rowsOf(client, text, id)) {
        try {
          await openWithoutData({ cipher, objectStore }, row);
          opened += 1;
        } catch {
          damaged.push(`${name}: ${row.type}/${row.id} version ${row.version_id}`);
          if (damaged.length >= damagedMax) return { opened, damaged, dark };
        }
        if (opened % rowsAtOnce === 0) progress(`${name}: ${opened.toLocaleString('en')} bodies opened, ${table}`);
      }
    }
  }
  return { opened, damaged, dark };
}

async function cipherOf(keyRing: KeyRing, tenantId: number): Promise<TenantCipher | KeyRefusal> {
  try {
    return await keyRing.cipherOf(tenantId);
  } catch (error) {
    if (error instanceof KeyRefusal) return error;
    throw error;
  }
}

async function* rowsOf(client: pg.Client, text: string, tenantId: number): AsyncGenerator<VersionRow, void> {
  await client.query('BEGIN');
  await client.query(`DECLARE bodies NO SCROLL CURSOR FOR ${text.replace('$1', String(Number(tenantId)))}`);
  try {
    for (;;) {
      const { rows } = await client.query<VersionRow>(`FETCH ${rowsAtOnce} FROM bodies`);
      yield* rows;
      if (rows.length < rowsAtOnce) return;
    }
  } finally {
    await client.query('ROLLBACK');
  }
}
