// Puts the administration API of tenants into the router: for whoever has the right op:admin there, and nobody else (contract.md 47).

import type Router from '@koa/router';
import { requireAdministrator } from '../../access/administrator.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import type { AdmitOptions, FhirContext } from '../admit.ts';
import { admitRecorded } from '../admit-recorded.ts';
import type { HttpState } from '../middleware/request-state.ts';
import { type AdminCall, mountAdminRoutes } from '../mount-admin-routes.ts';
import { recordAdminAct } from './admin-audit.ts';
import { adminRoutes } from './routes.ts';
import { createdPath, pathOf, type TenantAdmin } from './tenant-route.ts';

export interface TenantAdminOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
}

export function createTenantAdmin(router: Router<HttpState>, options: TenantAdminOptions): void {
  const { repository } = options;
  mountAdminRoutes<TenantAdmin>(router, {
    base: '/t/{tenant}/admin',
    routes: adminRoutes,
    repository,
    takesTurns: true,
    async admit(ctx: FhirContext) {
      const { tenant, caller } = await admitRecorded(options, ctx);
      const base = `${options.admit.publicUrl}/t/${tenant.name}/admin`;
      return { caller, repository, base, ifMatch: ctx.get('If-Match') };
    },
    permit: ({ caller }) => requireAdministrator(caller),
    record: recordApart,
  });
}

/** What was done is recorded with it, in its transaction; refusals, and who was shown an answer once more, are here. */
async function recordApart({ context, route, request, outcome, givenAgain }: AdminCall<TenantAdmin>): Promise<void> {
  if (outcome === '0' && !givenAgain) return;
  const { operationId: act, method } = route;
  const path = (givenAgain && createdPath(givenAgain, context.base)) ?? pathOf(route.path, request);
  await inSession(context.repository, context.caller, async (session) => {
    recordAdminAct(session, { act, method: givenAgain ? 'GET' : method, path, outcome });
  });
}
