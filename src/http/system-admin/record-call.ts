// Each call of a system administrator leaves an AuditEvent in the tenant `system`, and one in the tenant it was about, for its own auditors.

import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import { recordTenantAct, type TenantAct } from '../../tenants/tenant-audit.ts';
import { readTenantFacts } from '../../tenants/tenant-status.ts';
import { isToken } from '../../validation/characters.ts';
import type { AdminCall } from '../mount-admin-routes.ts';
import type { Refused } from './admit-system.ts';
import type { SystemAdminContext } from './context.ts';

const actions: Readonly<Record<string, TenantAct['action']>> = {
  createTenant: 'C',
  suspendTenant: 'U',
  resumeTenant: 'U',
  shredTenant: 'D',
  placeLegalHold: 'C',
  releaseLegalHold: 'D',
};

/** The making of a tenant and legal holds leave their events there by themselves, and nothing can be written where the keys are gone. */
const toldToTenant: ReadonlySet<string> = new Set([
  'suspendTenant',
  'resumeTenant',
  'exportTenant',
  'exportTenantFile',
]);

export async function recordCall(call: AdminCall<SystemAdminContext>): Promise<void> {
  const { context, route, request, outcome, givenAgain } = call;
  const { caller, repository, systemDoor } = context;
  const tenant = tenantNamed(request);
  const action = (givenAgain ? undefined : actions[route.operationId]) ?? 'R';
  const act: TenantAct = { act: route.operationId, action, tenant, caller, outcome };
  const server = serverCaller(caller.tenantId, 'system administration');
  await inSession(repository, server, async (session) => recordTenantAct(session, act));
  if (tenant === undefined || outcome !== '0' || !toldToTenant.has(route.operationId)) return;
  const { id } = await readTenantFacts(systemDoor, tenant);
  // The agent is told by its name: the client's Device is none of this tenant.
  const agent = { display: caller.agent.display };
  const told = { ...act, caller: { ...caller, agent } };
  await inSession(repository, serverCaller(id, 'system administration'), async (session) =>
    recordTenantAct(session, told),
  );
}

/** Of a caller whose token is good, but not for this: the agent is told by its name, as its Device is none of this tenant. */
export async function recordRefusal(repository: Repository, { caller, tenant, system }: Refused): Promise<void> {
  const told = { ...caller, agent: { display: caller.agent.display } };
  const act: TenantAct = { act: 'refusedCall', action: 'R', tenant: tenant.name, caller: told, outcome: '4' };
  const server = serverCaller(system.id, 'system administration');
  await inSession(repository, server, async (session) => recordTenantAct(session, act));
}

/** What is no text of a name is not kept: no AuditEvent could be sent as XML that holds it. */
function tenantNamed(request: AdminCall<SystemAdminContext>['request']): string | undefined {
  const name: unknown = request.params.name ?? request.body?.name;
  return typeof name === 'string' && name.length <= 63 && isToken(name) ? name : undefined;
}
