// Makes the tenant of the system's administrators, and clients that may use `/admin` (README, System administration).

import { serverCaller } from '../access/caller.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { KeyServiceError } from '../gateways/key-service.ts';
import { KeyRefusal } from '../gateways/root-key.ts';
import { type ClientCredentials, createClient } from '../people/clients.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { beginTenant, type CreateTenantContext, finishTenant } from './begin-tenant.ts';
import { systemTenantName } from './reserved.ts';
import { createSigningKey } from './signing-key.ts';
import { operatorName, recordTenantAct } from './tenant-audit.ts';

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

/** What is changed for the system, or for all tenants, goes on record there. */
export async function requireSystemTenant(context: CreateTenantContext): Promise<number> {
  await ensureSystemTenant(context);
  const tenantId = await findSystemTenant(context);
  if (tenantId === undefined) throw new Error('The system tenant is being made by another process; try again.');
  return tenantId;
}

export interface SystemClientContext {
  readonly systemDoor: SystemDoor;
  readonly repository: Repository;
}

/** As the administration API takes one: AuditEvents name the client, and the authorization server takes none without a name. */
const clientName = /^(?=.*\S)\P{Cc}{1,200}$/u;

/** May make, suspend, resume, export and shred tenants, and read who did. Nothing of a clinic's data. */
export async function createSystemClient(
  { systemDoor, repository }: SystemClientContext,
  name: string,
): Promise<ClientCredentials> {
  if (!clientName.test(name)) throw fhirError('value', 'The name of a client is one line of 1 to 200 characters.');
  const tenantId = await requireSystemTenant({ ...repository, systemDoor });
  const caller = serverCaller(tenantId, operatorName);
  return await inSession(repository, caller, async (session) => {
    const client = createClient(session.trx, session.cipher, {
      name,
      grantTypes: ['client_credentials'],
      scope: 'system/AuditEvent.rs',
      roles: ['system-admin'],
    });
    const about = `Device/${client.clientId}`;
    recordTenantAct(session, { act: 'createSystemClient', action: 'C', about, caller, outcome: '0' });
    return client;
  });
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
