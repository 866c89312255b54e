// The routes of a tenant's authorization server and of its discovery document: https://hl7.org/fhir/smart-app-launch/conformance.html

import type Router from '@koa/router';
import type { Repository } from '../repository/session.ts';
import type { Smart } from '../smart/smart.ts';
import { type AdmitOptions, requireTenant } from './admit.ts';
import type { HttpState } from './middleware/request-state.ts';
import { createPatientDirectory } from './patients.ts';

export interface SmartRoutesOptions {
  readonly smart: Smart;
  readonly admit: AdmitOptions;
  readonly repository: Repository;
}

export function createSmartRoutes(router: Router<HttpState>, { smart, admit, repository }: SmartRoutesOptions): void {
  smart.useDirectory(createPatientDirectory(repository));
  const discovery = '/t/:tenant/fhir/.well-known/smart-configuration';
  router.get(discovery, async (ctx) => {
    ctx.state.route = discovery;
    const tenant = await requireTenant(admit, ctx);
    ctx.body = await smart.smartConfiguration(tenant);
  });
  for (const [path, allowed] of Object.entries(methods)) {
    const route = `/t/:tenant${path}`;
    router.all(route, async (ctx) => {
      ctx.state.route = route;
      if (ctx.method !== 'OPTIONS') return await smart.handler(await requireTenant(admit, ctx))(ctx);
      // The same for a tenant that does not exist.
      ctx.status = 204;
      ctx.set('Allow', `${allowed}, OPTIONS`);
    });
  }
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
  '/launch': 'POST',
  '/jwks': 'GET, HEAD',
  '/account': 'GET, HEAD',
  '/account/*page': 'GET, HEAD, POST',
  '/assets/:name': 'GET, HEAD',
  '/.well-known/*document': 'GET, HEAD',
};
