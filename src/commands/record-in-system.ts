// What an operator does by a command to the system, or to all tenants, goes on record in the tenant `system` (README, System administration).

import { serverCaller } from '../access/caller.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { requireSystemTenant } from '../tenants/system-tenant.ts';
import { operatorName, recordTenantAct, type TenantAct } from '../tenants/tenant-audit.ts';

export interface SystemRecord {
  readonly systemDoor: SystemDoor;
  readonly repository: Repository;
}

export async function recordInSystem(
  { systemDoor, repository }: SystemRecord,
  act: Omit<TenantAct, 'caller'>,
): Promise<void> {
  const caller = serverCaller(await requireSystemTenant({ ...repository, systemDoor }), operatorName);
  await inSession(repository, caller, async (session) => recordTenantAct(session, { ...act, caller }));
}
