// The routes of a tenant's authorization server and of its discovery document: https://hl7.org/fhir/smart-app-launch/conformance.html

import type Router from '@koa/router';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Repository } from '../repository/session.ts';
import { sendError } from '../smart/interactions/page.ts';
import type { Smart } from '../smart/smart.ts';
import { issuerUrls } from '../smart/urls.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { systemTenantName } from '../tenants/reserved.ts';
import { type AdmitOptions, type FhirContext, requireTenant } from './admit.ts';
import { type Purpose, purposeOf } from './issuer-doors.ts';
import type { HttpState } from './middleware/request-state.ts';
import { createPatientDirectory } from './patients.ts';
import { beginBesideFhir } from './record-access.ts';
import type { RequestAccess } from './request-access.ts';

export interface SmartRoutesOptions {
  readonly smart: Smart;
  readonly admit: AdmitOptions;
  readonly repository: Repository;
  readonly trail: AccessTrail;
}

/** Below the FHIR base. */
export function createDiscovery(router: Router<HttpState>, { smart, admit }: SmartRoutesOptions): void {
  const discovery = '/t/:tenant/fhir/.well-known/smart-configuration';
  router.get(discovery, async (ctx) => {
    ctx.state.route = discovery;
    const tenant = await requireTenant(admit, ctx);
    ctx.body = await smart.smartConfiguration(tenant);
  });
}

export function createSmartRoutes(router: Router<HttpState>, options: SmartRoutesOptions): void {
  const { smart, admit } = options;
  smart.useDirectory(createPatientDirectory(options));
  router.get(metadata, async (ctx) => {
    ctx.state.route = metadata;
    ctx.body = await smart.serverMetadata(await requireTenant(admit, ctx));
  });
  for (const [path, allowed] of Object.entries(methods)) {
    const route = `/t/:tenant${path}`;
    router.all(route, async (ctx) => {
      ctx.state.route = route;
      if (ctx.method !== 'OPTIONS') {
        const tenant = await tenantOrPage(admit, ctx);
        if (!tenant) return;
        const purpose = purposeOf(path);
        if (purpose !== 'documents') beginRecord(beginBesideFhir(ctx, options.repository.now), tenant, purpose);
        await smart.handler(tenant)(ctx);
        return;
      }
      // The same for a tenant that does not exist.
      ctx.status = 204;
      ctx.set('Allow', `${allowed}, OPTIONS`);
    });
  }
}

/** Where RFC 8414 (section 3.1) puts the metadata of an issuer that has a path; OpenID Connect Discovery puts it below the issuer. */
const metadata = '/.well-known/oauth-authorization-server/t/:tenant';

/** Undefined when a browser has been told that there is none: people get a page. */
async function tenantOrPage(admit: AdmitOptions, ctx: FhirContext): Promise<TenantRecord | undefined> {
  try {
    return await requireTenant(admit, ctx);
  } catch (error) {
    const isTold = error instanceof FhirError && error.status < 500 && ctx.accepts('json', 'html') === 'html';
    if (!isTold) throw error;
    // The stylesheet is the same in every tenant, and this one is always there.
    const urls = issuerUrls(admit.publicUrl, systemTenantName);
    sendError({ urls, tenantDisplay: 'HPMS' }, ctx, error.status, error.message);
    return undefined;
  }
}

function beginRecord(access: RequestAccess, tenant: TenantRecord, purpose: Purpose): void {
  access.tenantId = tenant.id;
  access.isOfPerson = purpose !== 'clients';
  // Whoever is refused there has not come in.
  if (purpose === 'sign-in') access.login = { act: 'login' };
}

const methods: Readonly<Record<string, string>> = {
  '/authorize': 'GET, POST',
  '/authorize/:uid': 'GET',
  '/interaction/:uid': 'GET, HEAD, POST',
  '/interaction/:uid/*page': 'GET',
  '/upstream/:provider/callback': 'GET',
  '/logout': 'GET, POST',
  '/token': 'POST',
  '/introspect': 'POST',
  '/revoke': 'POST',
  '/register': 'POST',
  '/userinfo': 'GET, POST',
  '/launch': 'POST',
  '/jwks': 'GET, HEAD',
  '/account': 'GET, HEAD',
  '/account/*page': 'GET, HEAD, POST',
  '/assets/:name': 'GET, HEAD',
  '/.well-known/*document': 'GET, HEAD',
};
