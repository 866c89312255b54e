// GET /openapi.json: the administration APIs as the routes of this process are, for everybody: https://spec.openapis.org/oas/v3.1.1

import type Router from '@koa/router';
import { adminRoutes } from '../admin/routes.ts';
import type { HttpState } from '../middleware/request-state.ts';
import { systemAdminBase, systemAdminRoutes } from '../system-admin/routes.ts';
import { type DescribedApi, openapiDocument } from './document.ts';
import { packageRoute } from './package-route.ts';

export const clinicAdminBase = '/t/{tenant}/admin';

export const describedApis: readonly DescribedApi[] = [
  {
    base: systemAdminBase,
    tag: 'System',
    description: 'For tokens of the tenant `system` with the right `op:provision-tenant`.',
    routes: systemAdminRoutes,
  },
  {
    base: clinicAdminBase,
    tag: 'Clinic',
    description: 'For tokens of the clinic with the right `op:admin`.',
    routes: [...adminRoutes, packageRoute],
  },
];

export function createOpenapiRoutes(router: Router<HttpState>, publicUrl: string): void {
  const document = JSON.stringify(openapiDocument(publicUrl, describedApis));
  router.get('/openapi.json', (ctx) => {
    ctx.state.route = '/openapi.json';
    ctx.type = 'application/json';
    ctx.body = document;
  });
}
