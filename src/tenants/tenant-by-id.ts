// What a tenant is called, for whoever knows only its number: jobs, and what is loaded for a session.

import type { SystemDoor } from '../database/system-transaction.ts';
import type { TenantRecord } from './registry.ts';

/** Undefined where there is none, whatever state it is in otherwise. */
export async function findTenantById(systemDoor: SystemDoor, id: number): Promise<TenantRecord | undefined> {
  const [tenant] = await systemDoor((trx) =>
    trx.query<TenantRecord>({
      name: 'read-tenant-by-id',
      text: 'SELECT id, name, display FROM tenant WHERE id = $1',
      values: [id],
    }),
  );
  return tenant;
}
