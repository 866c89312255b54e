// Who asks which tenant: both must be known before anything else is looked at.

import type { RouterContext } from '@koa/router';
import { type Caller, inRequest } from '../access/caller.ts';
import { withPurpose } from '../access/purpose-of-use.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { callerRequest } from './caller-request.ts';
import type { HttpState } from './middleware/request-state.ts';
import { isRepeated } from './repeated-header.ts';

export type FhirContext = RouterContext<HttpState>;

export interface AdmitOptions {
  readonly publicUrl: string;
  readonly findTenant: (name: string) => TenantRecord | undefined | Promise<TenantRecord | undefined>;
  /** Absent where a suspended tenant is as unknown as any other. */
  readonly isSuspended?: (name: string) => Promise<boolean>;
  readonly authenticate: (tenant: TenantRecord, authorization: string | undefined) => Caller | Promise<Caller>;
}

export interface Admitted {
  readonly tenant: TenantRecord;
  readonly baseUrl: string;
  readonly caller: Caller;
}

/** Told of the tenant in the turn in which the rows of a token are asked for, when it was not used a moment ago. */
export type Meanwhile = (tenant: TenantRecord) => void;

/** Throws 404 for an unknown tenant, and 401 for whoever has no token of it, and for all when it is suspended. */
export async function admit(options: AdmitOptions, ctx: FhirContext, meanwhile?: Meanwhile): Promise<Admitted> {
  const tenant = await options.findTenant(ctx.params.tenant ?? '');
  if (!tenant) throw await whyNone(options, ctx);
  ctx.state.tenantName = tenant.name;
  const { access } = ctx.state;
  if (access) access.tenantId = tenant.id;
  // Of two, somebody on the way may have seen the other one.
  if (isRepeated(ctx.req.rawHeaders, 'authorization')) throw fhirError('login', 'Send one Authorization header.');
  const asked = options.authenticate(tenant, ctx.req.headers.authorization);
  if (asked instanceof Promise) meanwhile?.(tenant);
  const authenticated = await asked;
  // Also of whoever is then refused for what the request says it is for.
  if (access) access.caller = authenticated;
  const known = withPurpose(authenticated, ctx.req.headers['x-purpose-of-use']);
  if (access) access.caller = known;
  const caller = inRequest(known, callerRequest(ctx));
  ctx.state.clientId = caller.clientId;
  return { tenant, caller, baseUrl: baseUrlOf(options, tenant) };
}

/** Whoever has a token of a suspended one may know: security.md 62. */
async function whyNone(options: AdmitOptions, ctx: FhirContext): Promise<FhirError> {
  const isSuspended = await options.isSuspended?.(ctx.params.tenant ?? '');
  return isSuspended
    ? fhirError('login', 'The tenant is suspended: none of its access tokens is valid now.')
    : noSuchTenant();
}

function noSuchTenant(): FhirError {
  return fhirError('not-found', 'There is no such tenant.');
}

export async function requireTenant(options: AdmitOptions, ctx: FhirContext): Promise<TenantRecord> {
  const tenant = await options.findTenant(ctx.params.tenant ?? '');
  if (!tenant) throw noSuchTenant();
  ctx.state.tenantName = tenant.name;
  return tenant;
}

/** From the configuration, never from the request's Host header (security.md 68). */
export function baseUrlOf(options: AdmitOptions, tenant: TenantRecord): string {
  return `${options.publicUrl}/t/${tenant.name}/fhir`;
}
