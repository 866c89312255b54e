// The tenants by the name that stands in every URL (architecture.md, Tenancy); a suspended one is as unknown as one that never was.

import type { SystemDoor } from '../database/system-transaction.ts';
import { createBriefCache } from './brief-cache.ts';

export interface TenantRecord {
  readonly id: number;
  readonly name: string;
  /** The clinic's name for people. */
  readonly display: string;
}

export interface TenantRegistry {
  /** At once when the name was asked for within the last second, also when it is unknown. */
  find(name: string): TenantRecord | undefined | Promise<TenantRecord | undefined>;
  /** To be called on every notice of the channel `hpms_access`. */
  forget(): void;
}

const nameSyntax = /^[a-z0-9][a-z0-9-]{0,62}$/;
const namesCachedMax = 10_000;

export function createTenantRegistry(systemDoor: SystemDoor): TenantRegistry {
  const byName = createBriefCache((name: string) => readTenant(systemDoor, name), namesCachedMax);
  return {
    find: (name) => (isTenantName(name) ? byName.get(name) : undefined),
    forget: byName.clear,
  };
}

export function isTenantName(name: string): boolean {
  return nameSyntax.test(name);
}

async function readTenant(systemDoor: SystemDoor, name: string): Promise<TenantRecord | undefined> {
  const rows = await systemDoor((trx) =>
    trx.query<TenantRecord>({
      name: 'read-tenant',
      text: "SELECT id, name, display FROM tenant WHERE name = $1 AND status = 'active'",
      values: [name],
    }),
  );
  return rows[0];
}
