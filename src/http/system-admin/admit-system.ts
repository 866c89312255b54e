// Who may use `/admin`: tokens of the tenant `system` whose roles have the right, and nobody else's (security.md, decisions, attack 34).

import { decodeJwt } from 'jose';
import { type Caller, inRequest } from '../../access/caller.ts';
import { requireOperation } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { TenantRecord } from '../../tenants/registry.ts';
import { systemTenantName } from '../../tenants/reserved.ts';
import type { AdmitOptions, FhirContext } from '../admit.ts';
import { callerRequest } from '../caller-request.ts';
import { isRepeated } from '../repeated-header.ts';

/** Somebody whose token is good, of this tenant, but not for this. */
export interface Refused {
  readonly caller: Caller;
  readonly tenant: TenantRecord;
  readonly system: TenantRecord;
}

export interface AdmitSystemOptions extends AdmitOptions {
  /** Called before the refusal is answered. */
  readonly onRefused: (refused: Refused) => Promise<void>;
}

/** Throws 401 without a token that is good somewhere here, and 403 for one of a clinic, whatever it may do there. */
export async function admitSystem(options: AdmitSystemOptions, ctx: FhirContext): Promise<Caller> {
  if (isRepeated(ctx.req.rawHeaders, 'authorization')) throw fhirError('login', 'Send one Authorization header.');
  const system = await options.findTenant(systemTenantName);
  if (!system) throw fhirError('login', 'Nobody can have a token for this: there is no system tenant yet.');
  const { caller, tenant } = await authenticate(options, system, ctx);
  ctx.state.tenantName = tenant.name;
  ctx.state.clientId = caller.clientId;
  try {
    requireOperationOf(system, tenant, caller);
  } catch (error) {
    await options.onRefused({ caller, tenant, system });
    throw error;
  }
  return caller;
}

/** A clinic may hand out rights of whatever name: they are its own. */
function requireOperationOf(system: TenantRecord, tenant: TenantRecord, caller: Caller): void {
  if (tenant.id !== system.id) {
    throw fhirError('forbidden', 'This is for administrators of the system: a token of a clinic is not enough.');
  }
  requireOperation(caller, 'op:provision-tenant');
}

interface Authenticated {
  readonly caller: Caller;
  /** Whose token it is. */
  readonly tenant: TenantRecord;
}

/** The issuer a token names is only where it is then checked. */
async function authenticate(options: AdmitOptions, system: TenantRecord, ctx: FhirContext): Promise<Authenticated> {
  const header = ctx.req.headers.authorization;
  const named = await options.findTenant(tenantNamed(options.publicUrl, header));
  const tenant = named ?? system;
  return { caller: inRequest(await options.authenticate(tenant, header), callerRequest(ctx)), tenant };
}

/** Empty, which no tenant is called, where the header holds no token of ours. */
function tenantNamed(publicUrl: string, header = ''): string {
  const issuers = `${publicUrl}/t/`;
  try {
    const { iss = '' } = decodeJwt(header.replace(/^Bearer +/i, ''));
    return iss.startsWith(issuers) ? iss.slice(issuers.length) : '';
  } catch {
    return '';
  }
}
