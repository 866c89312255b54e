// The beginning of every tenant: its registry row and its keys, each committed by itself, so that a crash leaves what the next try goes on from.

import type { KeyRing } from '../crypto/key-ring.ts';
import { indexGeneration } from '../database/index-generation.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { isTenantName } from './registry.ts';

export interface CreateTenantContext {
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
}

/** Nobody finds it by its name until `finishTenant` was committed. Throws 409 when it is made already. */
export async function beginTenant(context: CreateTenantContext, name: string, display: string): Promise<number> {
  if (!isTenantName(name)) {
    throw fhirError(
      'value',
      'A tenant\'s name is 1 to 63 small letters, digits and "-", and does not begin with "-".',
      {
        expression: 'name',
      },
    );
  }
  const tenantId = await registerTenant(context.systemDoor, name, display);
  await context.tenantDoor(tenantId, async (trx) => {
    await takeTurns(trx);
    if (await hasKeys(trx)) return;
    await context.keyRing.createKeys(trx);
    beginIndex(trx);
  });
  return tenantId;
}

/** To be called before anything else in the transaction that makes the rest. Throws 409 for all but one of those who make it. */
export async function finishTenant(trx: TenantTransaction, name: string): Promise<void> {
  const rows = await trx.query<{ isOurs: boolean }>({ text: 'SELECT tenant.activate() AS "isOurs"' });
  if (rows[0]?.isOurs !== true) throw taken(name);
}

async function registerTenant(systemDoor: SystemDoor, name: string, display: string): Promise<number> {
  return await systemDoor(async (trx) => {
    trx.execute({
      text: `INSERT INTO tenant (name, display) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET display = excluded.display WHERE tenant.status = 'preparing'`,
      values: [name, display],
    });
    const rows = await trx.query<{ id: number; status: string }>({
      text: 'SELECT id, status FROM tenant WHERE name = $1',
      values: [name],
    });
    const row = rows[0];
    if (!row) throw fhirError('conflict', 'The tenant was being made by somebody else; try again.');
    if (row.status !== 'preparing') throw taken(name);
    return row.id;
  });
}

function taken(name: string): FhirError {
  return fhirError('duplicate', `There is already a tenant with the name ${name}.`);
}

/** Two that make the same tenant at once do it one after the other. */
async function takeTurns(trx: TenantTransaction): Promise<void> {
  await trx.query({ text: 'SELECT pg_advisory_xact_lock(4710002, $1)', values: [trx.tenantId] });
}

/** All that it will have is indexed by this code, or by a later one that then knows from which. */
function beginIndex(trx: TenantTransaction): void {
  trx.execute({ text: 'INSERT INTO search_index (generation) VALUES ($1)', values: [indexGeneration] });
}

async function hasKeys(trx: TenantTransaction): Promise<boolean> {
  return (await trx.query({ text: 'SELECT 1 FROM tenant_key LIMIT 1' })).length > 0;
}
