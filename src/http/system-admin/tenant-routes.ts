// Tenants over HTTP: made in one call, listed, and led through their life (README, System administration).

import { fhirError } from '../../fhir/outcome.ts';
import { type OnboardRequest, onboardTenant } from '../../tenants/onboard-tenant.ts';
import {
  listTenants,
  readTenantFacts,
  resumeTenant,
  shredTenant,
  suspendTenant,
  type TenantFacts,
} from '../../tenants/tenant-status.ts';
import type { AdminAnswer, AdminRequest } from '../admin-route.ts';
import type { SystemAdminContext } from './context.ts';

/** Each is some thirty writes and holds two connections. */
const onboardingsMax = 2;
let onboardings = 0;

export async function createTenantRoute(context: SystemAdminContext, { body }: AdminRequest): Promise<AdminAnswer> {
  if (onboardings >= onboardingsMax) {
    // A 429 would be kept as the answer to an Idempotency-Key.
    throw fhirError('transient', 'Other tenants are being made; try again shortly.', { retryAfterSeconds: 2 });
  }
  onboardings += 1;
  try {
    const { firstClient: hasFirstClient, ...rest } = body as OnboardRequest & { readonly firstClient?: boolean };
    const made = await onboardTenant(context, { ...rest, ...(hasFirstClient && { hasFirstClient }) }, context.caller);
    const issuer = `${context.publicUrl}/t/${made.tenant}`;
    const { display, organization, currency, timezone, administratorId, client } = made;
    return {
      status: 201,
      headers: { Location: `${context.publicUrl}/admin/tenants/${made.tenant}` },
      body: {
        ...{ name: made.tenant, display, status: 'active', organization, currency, timezone },
        ...{ fhirBaseUrl: `${issuer}/fhir`, tokenUrl: `${issuer}/token`, adminUrl: `${issuer}/admin` },
        ...(administratorId !== undefined && { administrator: { id: administratorId } }),
        ...client,
      },
    };
  } finally {
    onboardings -= 1;
  }
}

const usualCount = 100;

export async function listTenantsRoute(context: SystemAdminContext, { query }: AdminRequest): Promise<AdminAnswer> {
  const count = Number(query.count ?? usualCount);
  const found = await listTenants(context.systemDoor, { after: query.after ?? '', count: count + 1 });
  const page = found.slice(0, count);
  const next = found.length > count ? page.at(-1)?.name : undefined;
  return { status: 200, body: { tenants: page.map(shown), ...(next !== undefined && { next }) } };
}

export async function readTenantRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  return { status: 200, body: shown(await readTenantFacts(context.systemDoor, nameOf(request))) };
}

export async function suspendTenantRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  await suspendTenant(context.systemDoor, nameOf(request));
  return await readTenantRoute(context, request);
}

export async function resumeTenantRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  await resumeTenant(context.systemDoor, nameOf(request));
  return await readTenantRoute(context, request);
}

export async function shredTenantRoute(context: SystemAdminContext, request: AdminRequest): Promise<AdminAnswer> {
  const name = nameOf(request);
  if (request.body.confirm !== name) {
    throw fhirError('business-rule', 'confirm must be the name of the tenant that is to be shredded.', {
      expression: 'confirm',
    });
  }
  await shredTenant(context.systemDoor, name);
  return await readTenantRoute(context, request);
}

export function nameOf({ params }: AdminRequest): string {
  return params.name ?? '';
}

/** Without what is of no use outside, such as its number. */
function shown({ name, display, status, createdAt, suspendedAt, shreddedAt }: TenantFacts) {
  return { name, display, status, createdAt, suspendedAt, shreddedAt };
}
