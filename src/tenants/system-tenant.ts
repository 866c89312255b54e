// Makes the tenant of the system's administrators, and clients that may use `/admin` (README, System administration).

import { FhirError } from '../fhir/outcome.ts';
import { KeyServiceError } from '../gateways/key-service.ts';
import { KeyRefusal } from '../gateways/root-key.ts';
import { type ClientCredentials, createClient } from '../people/clients.ts';
import { beginTenant, type CreateTenantContext, finishTenant } from './begin-tenant.ts';
import { systemTenantName } from './reserved.ts';
import { createSigningKey } from './signing-key.ts';

/**
 * To be called at every start: makes it where it is missing, and finishes one that a crash left half made. Its keys are opened,
 * so that a process whose root key is another one, or out of reach, does not begin to work.
 */
export async function ensureSystemTenant(context: CreateTenantContext): Promise<void> {
  const known = await findSystemTenant(context);
  if (known !== undefined) return await requireKeys(context, known);
  try {
    const tenantId = await beginTenant(context, systemTenantName, 'System administration');
    const cipher = await context.keyRing.cipherOf(tenantId);
    await context.tenantDoor(tenantId, async (trx) => {
      await finishTenant(trx, systemTenantName);
      createSigningKey(trx, cipher);
    });
  } catch (error) {
    // Another process that starts now was faster.
    if (!(error instanceof FhirError) || error.status !== 409) throw forOperator(error);
  }
}

async function requireKeys({ keyRing }: CreateTenantContext, tenantId: number): Promise<void> {
  try {
    await keyRing.cipherOf(tenantId);
  } catch (error) {
    throw forOperator(error);
  }
}

/** Whoever starts the server may know what its clients may not: which root key it is, and what its keeper says. */
function forOperator(error: unknown): unknown {
  if (error instanceof KeyRefusal) return new Error(`The server cannot work: ${error.message}`, { cause: error });
  const { cause } = error as Error;
  return cause instanceof KeyServiceError
    ? new Error(`The server cannot work: ${cause.message}`, { cause: error })
    : error;
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
