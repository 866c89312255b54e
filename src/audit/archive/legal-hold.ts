// Legal holds as the operator sees them: of a tenant that has one, or a patient who has, nothing is archived and nothing is shredded until
// whoever set it takes it away. Those of administrators are in repository/legal-holds.

import type pg from 'pg';
import { ArchiveError } from './archive-error.ts';

export interface HeldTenant {
  readonly name: string;
  /** Null: all of the tenant. */
  readonly patientId: string | null;
  readonly heldAt: Date;
  readonly heldBy: string;
}

export async function listHolds(client: pg.Client): Promise<HeldTenant[]> {
  const { rows } = await client.query<HeldTenant>(
    `SELECT name, patient_id AS "patientId", held_at AS "heldAt", held_by AS "heldBy"
     FROM store.legal_hold JOIN store.tenant ON tenant.id = legal_hold.tenant_id ORDER BY name, held_at`,
  );
  return rows;
}

/** False when the operator has set one already. Who is about to shred the tenant, or to archive a month of it, is waited for. */
export async function placeHold(client: pg.Client, tenantId: number, by: string): Promise<boolean> {
  await client.query('BEGIN');
  try {
    const { rows } = await client.query<{ status: string }>(
      'SELECT status FROM store.tenant WHERE id = $1 FOR UPDATE',
      [tenantId],
    );
    if (rows[0]?.status === 'shredded') throw new ArchiveError('The tenant is shredded; there is nothing to hold.');
    const { rowCount } = await client.query(
      "INSERT INTO store.legal_hold (tenant_id, held_by, level) VALUES ($1, $2, 'operator') ON CONFLICT DO NOTHING",
      [tenantId, by],
    );
    await client.query('COMMIT');
    return rowCount === 1;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The operator's own; false when there is none. */
export async function releaseHold(client: pg.Client, tenantId: number): Promise<boolean> {
  const { rowCount } = await client.query("DELETE FROM store.legal_hold WHERE tenant_id = $1 AND level = 'operator'", [
    tenantId,
  ]);
  return rowCount === 1;
}
