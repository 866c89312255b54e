// Legal holds that administrators of the system set on a tenant, or on one of its patients (README, Archives).

import { fhirError } from '../../fhir/outcome.ts';
import { type LegalHold, listHolds, placeHold, releaseHold } from '../../repository/legal-holds/hold-rows.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { readTenantFacts } from '../../tenants/tenant-status.ts';
import type { AdminAnswer, AdminRequest } from '../admin-route.ts';
import type { SystemAdminContext } from './context.ts';
import { nameOf } from './tenant-routes.ts';

export async function listHoldsRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  const holds = await inTenant(context, request, (session) => listHolds(session));
  return { status: 200, body: { holds: holds.map(view) } };
}

export async function placeHoldRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  const { patient, reason } = request.body as { readonly patient?: string; readonly reason: string };
  const by = `system administrator ${context.caller.clientId}`;
  const hold = await inTenant(context, request, (session) =>
    placeHold(session, { ...{ reason, by, level: 'system' }, ...(patient !== undefined && { patientId: patient }) }),
  );
  const place = `${context.publicUrl}/admin/tenants/${nameOf(request)}/legal-holds/${hold.id}`;
  return { status: 201, headers: { Location: place }, body: view(hold) };
}

/** Also those that the clinic has set: whoever runs the installation answers for all of it. */
export async function releaseHoldRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  await inTenant(context, request, (session) =>
    releaseHold(session, request.params.id ?? '', { levels: ['clinic', 'system'] }),
  );
  return { status: 204 };
}

/** As the administrator, told by name: the client's Device is none of this tenant. */
async function inTenant<T>(
  { caller, repository, systemDoor }: SystemAdminContext,
  request: AdminRequest,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { id, status } = await readTenantFacts(systemDoor, nameOf(request));
  if (status === 'shredded') throw fhirError('conflict', 'The tenant is shredded; there is nothing to hold.');
  const there = { ...caller, tenantId: id, agent: { display: caller.agent.display } };
  return await inSession(repository, there, work);
}

function view({ id, patientId, reason, heldAt, heldBy, level }: LegalHold) {
  return { id, patient: patientId, reason, heldAt, heldBy, level };
}
