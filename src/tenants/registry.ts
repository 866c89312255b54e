// The tenants by the name that stands in every URL (architecture.md, Tenancy); one that is not active is as unknown as one that never was.

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
  /** Then its tokens are refused as revoked ones are: whoever has one knows the tenant. */
  isSuspended(name: string): Promise<boolean>;
  /** Whether it was the name of a tenant at any time that this process was asked for it; asks nobody. */
  hasMet(name: string): boolean;
  /** To be called on every notice of the channel `hpms_access`. */
  forget(): void;
}

const nameSyntax = /^[a-z0-9][a-z0-9-]{0,62}$/;
const namesCachedMax = 10_000;

export function createTenantRegistry(systemDoor: SystemDoor): TenantRegistry {
  /** No more than there are tenants. */
  const met = new Set<string>();
  const byName = createBriefCache(async (name: string) => {
    const tenant = await readTenant(systemDoor, name);
    if (tenant) met.add(name);
    return tenant;
  }, namesCachedMax);
  return {
    find(name) {
      if (!isTenantName(name)) return undefined;
      const known = byName.get(name);
      return known instanceof Promise ? known.then(activeOne) : activeOne(known);
    },
    isSuspended: async (name) => isTenantName(name) && (await byName.get(name))?.status === 'suspended',
    hasMet: (name) => met.has(name),
    forget: byName.clear,
  };
}

interface Known {
  readonly record: TenantRecord;
  readonly status: string;
}

function activeOne(known: Known | undefined): TenantRecord | undefined {
  return known?.status === 'active' ? known.record : undefined;
}

export function isTenantName(name: string): boolean {
  return nameSyntax.test(name);
}

async function readTenant(systemDoor: SystemDoor, name: string): Promise<Known | undefined> {
  const rows = await systemDoor((trx) =>
    trx.query<TenantRecord & { readonly status: string }>({
      name: 'read-tenant',
      text: 'SELECT id, name, display, status FROM tenant WHERE name = $1',
      values: [name],
    }),
  );
  const [row] = rows;
  return row && { record: { id: row.id, name: row.name, display: row.display }, status: row.status };
}
