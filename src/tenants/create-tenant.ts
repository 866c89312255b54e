// Makes a tenant: its registry row, its keys, its token signing key and its first API client (contract.md 2).

import type { KeyRing } from '../crypto/key-ring.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { createClient } from '../people/clients.ts';
import { indexGeneration } from '../search/index-generation.ts';
import { isTenantName } from './registry.ts';
import { createSigningKey, hasSigningKey } from './signing-key.ts';

export interface CreateTenantContext {
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
}

export interface CreatedTenant {
  readonly tenantId: number;
  readonly tenant: string;
  readonly clientId: string;
  /** Shown this once: only its hash is stored. */
  readonly clientSecret: string;
}

/** Throws 409 when the name is taken. A tenant that a crash left half made is finished by creating it again. */
export async function createTenant(
  context: CreateTenantContext,
  { name, display = name }: { readonly name: string; readonly display?: string },
): Promise<CreatedTenant> {
  if (!isTenantName(name)) {
    throw fhirError('value', 'A tenant\'s name is 1 to 63 small letters, digits and "-", and does not begin with "-".');
  }
  const tenantId = await registerTenant(context.systemDoor, name, display);
  await context.tenantDoor(tenantId, async (trx) => {
    await takeTurns(trx);
    if (await hasKeys(trx)) return;
    context.keyRing.createKeys(trx);
    beginIndex(trx);
  });
  // The cipher reads its keys in a transaction of its own, so they are committed before; what comes now is the end of the making.
  const cipher = await context.keyRing.cipherOf(tenantId);
  return await context.tenantDoor(tenantId, async (trx) => {
    await takeTurns(trx);
    if (await hasSigningKey(trx)) throw fhirError('duplicate', `There is already a tenant with the name ${name}.`);
    createSigningKey(trx, cipher);
    const { clientId, clientSecret } = createClient(trx, cipher, {
      name: 'First client',
      grantTypes: ['client_credentials'],
      scope: 'system/*.cruds',
      roles: ['clinic-admin'],
    });
    return { tenantId, tenant: name, clientId, clientSecret };
  });
}

async function registerTenant(systemDoor: SystemDoor, name: string, display: string): Promise<number> {
  return await systemDoor(async (trx) => {
    trx.execute({
      text: 'INSERT INTO tenant (name, display) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
      values: [name, display],
    });
    const rows = await trx.query<{ id: number }>({ text: 'SELECT id FROM tenant WHERE name = $1', values: [name] });
    const row = rows[0];
    if (!row) throw fhirError('conflict', 'The tenant was being made by somebody else; try again.');
    return row.id;
  });
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
