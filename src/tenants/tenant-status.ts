// The tenants as their administrators see them, and the life of one: suspended, resumed, shredded (issue 6, Tenants).

import type { SystemDoor } from '../database/system-transaction.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { systemTenantName } from './reserved.ts';

export interface TenantFacts {
  readonly id: number;
  readonly name: string;
  readonly display: string;
  readonly status: 'preparing' | 'active' | 'suspended' | 'shredded';
  readonly createdAt: Date;
  readonly suspendedAt: Date | undefined;
  readonly shreddedAt: Date | undefined;
}

/** In the order of their names, behind `after`. */
export async function listTenants(
  systemDoor: SystemDoor,
  { after, count }: { readonly after: string; readonly count: number },
): Promise<TenantFacts[]> {
  const rows = await systemDoor((trx) =>
    trx.query<TenantRow>({
      name: 'list-tenants',
      text: `SELECT ${columns} FROM tenant WHERE name > $1 ORDER BY name LIMIT $2`,
      values: [after, count],
    }),
  );
  return rows.map(toFacts);
}

/** Throws 404. */
export async function readTenantFacts(systemDoor: SystemDoor, name: string): Promise<TenantFacts> {
  const rows = await systemDoor((trx) =>
    trx.query<TenantRow>({ text: `SELECT ${columns} FROM tenant WHERE name = $1`, values: [name] }),
  );
  const [row] = rows;
  if (!row) throw fhirError('not-found', 'There is no tenant with this name.');
  return toFacts(row);
}

/** Its tokens are refused within a second on every process, and its jobs wait. Again: nothing changes. */
export async function suspendTenant(systemDoor: SystemDoor, name: string): Promise<void> {
  requireClinic(name);
  const changed = await systemDoor((trx) =>
    trx.query({
      text: `UPDATE tenant SET status = 'suspended', suspended_at = now()
             WHERE name = $1 AND status = 'active' RETURNING id`,
      values: [name],
    }),
  );
  if (changed.length === 0) await requireStatus(systemDoor, name, 'suspended');
}

/** What waited goes on at once. Again: nothing changes. */
export async function resumeTenant(systemDoor: SystemDoor, name: string): Promise<void> {
  const isResumed = await systemDoor(async (trx) => {
    const [row] = await trx.query<{ id: number }>({
      text: `UPDATE tenant SET status = 'active', suspended_at = NULL
             WHERE name = $1 AND status = 'suspended' RETURNING id`,
      values: [name],
    });
    if (!row) return false;
    trx.execute({
      text: "UPDATE outbox SET status = 'pending' WHERE tenant_id = $1 AND status = 'published'",
      values: [row.id],
    });
    trx.execute({ text: "SELECT pg_notify('hpms_outbox', '')" });
    return true;
  });
  if (!isResumed) await requireStatus(systemDoor, name, 'active');
}

/** For ever: its keys are gone, and whatever is sealed under them with it. Throws 409 unless it is suspended. */
export async function shredTenant(systemDoor: SystemDoor, name: string): Promise<void> {
  requireClinic(name);
  await requireNoHold(systemDoor, name);
  const rows = await systemDoor((trx) =>
    trx.query<{ isShredded: boolean }>({
      text: 'SELECT system.shred_tenant($1) AS "isShredded"',
      values: [name],
    }),
  );
  if (rows[0]?.isShredded !== true) await requireStatus(systemDoor, name, 'shredded');
}

/** `system.shred_tenant` asks again, behind everybody who is just setting one. */
async function requireNoHold(systemDoor: SystemDoor, name: string): Promise<void> {
  const held = await systemDoor((trx) =>
    trx.query({ text: 'SELECT name FROM legal_hold JOIN tenant ON id = tenant_id WHERE name = $1', values: [name] }),
  );
  if (held.length > 0) throw fhirError('conflict', 'The tenant is under legal hold and cannot be shredded.');
}

function requireClinic(name: string): void {
  if (name !== systemTenantName) return;
  throw fhirError('business-rule', "The system's own tenant cannot be suspended or shredded.");
}

async function requireStatus(systemDoor: SystemDoor, name: string, wanted: TenantFacts['status']): Promise<void> {
  const { status } = await readTenantFacts(systemDoor, name);
  if (status !== wanted) throw wrongStatus(status, wanted);
}

const from = { active: 'suspended', suspended: 'active', shredded: 'suspended', preparing: '' } as const;

function wrongStatus(status: TenantFacts['status'], wanted: TenantFacts['status']): FhirError {
  return fhirError('conflict', `The tenant is ${status}; only one that is ${from[wanted]} can become ${wanted}.`);
}

const columns = 'id, name, display, status, created_at, suspended_at, shredded_at';

interface TenantRow extends Pick<TenantFacts, 'id' | 'name' | 'display' | 'status'> {
  readonly created_at: Date;
  readonly suspended_at: Date | null;
  readonly shredded_at: Date | null;
}

function toFacts({ created_at, suspended_at, shredded_at, ...row }: TenantRow): TenantFacts {
  return {
    ...row,
    createdAt: created_at,
    suspendedAt: suspended_at ?? undefined,
    shreddedAt: shredded_at ?? undefined,
  };
}
