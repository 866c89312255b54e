// Makes the tenant of the system's administrators, and clients that may use `/admin` (README, System administration).

import { FhirError } from '../fhir/outcome.ts';
import { type ClientCredentials, createClient } from '../people/clients.ts';
import { beginTenant, type CreateTenantContext, finishTenant } from './begin-tenant.ts';
import { systemTenantName } from './reserved.ts';
import { createSigningKey } from './signing-key.ts';

/** To be called at every start: makes it where it is missing, and finishes one that a crash left half made. */
export async function ensureSystemTenant(context: CreateTenantContext): Promise<void> {
  if ((await findSystemTenant(context)) !== undefined) return;
  try {
    const tenantId = await beginTenant(context, systemTenantName, 'System administration');
    const cipher = await context.keyRing.cipherOf(tenantId);
    await context.tenantDoor(tenantId, async (trx) => {
      await finishTenant(trx, systemTenantName);
      createSigningKey(trx, cipher);
    });
  } catch (error) {
    // Another process that starts now was faster.
    if (!(error instanceof FhirError) || error.status !== 409) throw error;
  }
}

/** May make, suspend, resume, export and shred tenants, and read who did. Nothing of a clinic's data. */
export async function createSystemClient(context: CreateTenantContext, name: string): Promise<ClientCredentials> {
  await ensureSystemTenant(context);
  const tenantId = await findSystemTenant(context);
  if (tenantId === undefined) throw new Error('The system tenant is being made by another process; try again.');
  const cipher = await context.keyRing.cipherOf(tenantId);
  return await context.tenantDoor(tenantId, async (trx) =>
    createClient(trx, cipher, {
      name,
      grantTypes: ['client_credentials'],
      scope: 'system/AuditEvent.rs',
      roles: ['system-admin'],
    }),
  );
}

async function findSystemTenant({ systemDoor }: CreateTenantContext): Promise<number | undefined> {
  const rows = await systemDoor((trx) =>
    trx.query<{ id: number }>({
      text: "SELECT id FROM tenant WHERE name = $1 AND status = 'active'",
      values: [systemTenantName],
    }),
  );
  return rows[0]?.id;
}
