// Makes an empty tenant: its keys, its token signing key and its first API client, and nothing a clinic would work with (contract.md 2).

import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { type ClientCredentials, createClient } from '../people/clients.ts';
import { beginTenant, type CreateTenantContext, finishTenant } from './begin-tenant.ts';
import { requireFreeName } from './reserved.ts';
import { createSigningKey } from './signing-key.ts';

export interface CreatedTenant extends ClientCredentials {
  readonly tenantId: number;
  readonly tenant: string;
}

/** Throws 409 when the name is taken. A tenant that a crash left half made is finished by creating it again. */
export async function createTenant(
  context: CreateTenantContext,
  { name, display = name }: { readonly name: string; readonly display?: string },
): Promise<CreatedTenant> {
  requireFreeName(name);
  const tenantId = await beginTenant(context, name, display);
  // The cipher reads its keys in a transaction of its own, so they are committed before.
  const cipher = await context.keyRing.cipherOf(tenantId);
  return await context.tenantDoor(tenantId, async (trx) => {
    await finishTenant(trx, name);
    createSigningKey(trx, cipher);
    return { tenantId, tenant: name, ...createFirstClient(trx, cipher, 'First client') };
  });
}

/** Nothing limits it (contract.md 2). */
export function createFirstClient(trx: TenantTransaction, cipher: TenantCipher, name: string): ClientCredentials {
  return createClient(trx, cipher, {
    name,
    grantTypes: ['client_credentials'],
    scope: 'system/*.cruds',
    roles: ['clinic-admin'],
  });
}
