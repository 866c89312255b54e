// Who asks which tenant: both must be known before anything else is looked at.

import type { RouterContext } from '@koa/router';
import type { Caller } from '../access/caller.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import type { HttpState } from './middleware/request-state.ts';
import { isRepeated } from './repeated-header.ts';

export type FhirContext = RouterContext<HttpState>;

export interface AdmitOptions {
  readonly publicUrl: string;
  readonly findTenant: (name: string) => TenantRecord | undefined | Promise<TenantRecord | undefined>;
  readonly authenticate: (tenant: TenantRecord, authorization: string | undefined) => Caller | Promise<Caller>;
}

export interface Admitted {
  readonly tenant: TenantRecord;
  readonly baseUrl: string;
  readonly caller: Caller;
}

/** Throws 404 for an unknown tenant and 401 for whoever has no token of it. */
export async function admit(options: AdmitOptions, ctx: FhirContext): Promise<Admitted> {
  const tenant = await requireTenant(options, ctx);
  // Of two, somebody on the way may have seen the other one.
  if (isRepeated(ctx.req.rawHeaders, 'authorization')) throw fhirError('login', 'Send one Authorization header.');
  const caller = await options.authenticate(tenant, ctx.req.headers.authorization);
  ctx.state.clientId = caller.clientId;
  return { tenant, caller, baseUrl: baseUrlOf(options, tenant) };
}

export async function requireTenant(options: AdmitOptions, ctx: FhirContext): Promise<TenantRecord> {
  const tenant = await options.findTenant(ctx.params.tenant ?? '');
  if (!tenant) throw fhirError('not-found', 'There is no such tenant.');
  ctx.state.tenantName = tenant.name;
  return tenant;
}

/** From the configuration, never from the request's Host header (security.md 68). */
export function baseUrlOf(options: AdmitOptions, tenant: TenantRecord): string {
  return `${options.publicUrl}/t/${tenant.name}/fhir`;
}
