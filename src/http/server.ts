// The HTTP server: middleware in the order a request meets them, then the routes.

import Router, { type RouterContext } from '@koa/router';
import Koa from 'koa';
import type { Logger } from 'pino';
import { createSettingsReader } from '../tenants/settings.ts';
import { createTenantAdmin, type TenantAdminOptions } from './admin/tenant-admin.ts';
import { createAdminRoutes } from './admin-routes.ts';
import { createBrokenAnswerLog } from './broken-answer.ts';
import type { FhirHandlerOptions } from './fhir-handler.ts';
import { createFhirRoutes, hasOperation } from './fhir-routes.ts';
import { type HealthOptions, healthRoutes } from './health.ts';
import type { HttpMetrics } from './metrics.ts';
import { createAccessLog } from './middleware/access-log.ts';
import { compression } from './middleware/compression.ts';
import { createCors, type OriginsOf } from './middleware/cors.ts';
import { createErrorMiddleware } from './middleware/errors.ts';
import { createOverloadGuard } from './middleware/overload.ts';
import { createRequestState, type HttpState } from './middleware/request-state.ts';
import { createRequestTarget } from './middleware/request-target.ts';
import { unknownRoute } from './middleware/unknown-route.ts';
import { createOpenapiRoutes } from './openapi/openapi-routes.ts';
import { type AccessRecorder, createAccessRecorder } from './record-access.ts';
import { createDiscovery, createSmartRoutes, type SmartRoutesOptions } from './smart-routes.ts';
import { createSystemAdminRoutes, type SystemAdminOptions } from './system-admin/system-admin-routes.ts';
import type { TurnedAway } from './turned-away.ts';

export interface ServerOptions {
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  readonly health: HealthOptions;
  /** Absent in a process that only works on jobs. */
  readonly api?: FhirHandlerOptions &
    SmartRoutesOptions &
    SystemAdminOptions &
    TenantAdminOptions & { readonly turnedAway: TurnedAway };
}

export function createServer(options: ServerOptions): Koa<HttpState> {
  const app = new Koa<HttpState>();
  app.on('error', createBrokenAnswerLog(options.log));
  app.use(createRequestState(options.api?.admit.publicUrl.startsWith('https:') ?? false));
  app.use(createAccessLog(options.log, options.metrics));
  app.use(compression);
  const recorder = options.api && recorderOf(options.api);
  app.use(createErrorMiddleware(options.log, options.api?.repository.definitions, recorder));
  app.use(createRequestTarget(options.api?.admit.publicUrl));
  if (options.api) app.use(createCors(registeredOrigins(options.api)));
  app.use(createOverloadGuard());
  const routers = createRouters(options);
  // A router tries every path it has, and a clinical request is not to pay for those of others.
  const operations = routers.operations.routes();
  app.use((ctx, next) => (hasOperation(ctx.path) ? operations(ctx as RouterContext<HttpState>, next) : next()));
  app.use(routers.clinical.routes());
  app.use(routers.others.routes());
  app.use(unknownRoute(Object.values(routers)));
  return app;
}

/** Of what only works on jobs, health alone. */
function createRouters({ health, api }: ServerOptions) {
  // Paths are case-sensitive: RFC 9110 section 4.2.3.
  const [operations, clinical, others] = [createRouter(), createRouter(), createRouter()];
  healthRoutes(others, health);
  if (api) {
    // First, for `.well-known/smart-configuration` looks like a resource type and an id.
    createDiscovery(clinical, api);
    createFhirRoutes({ operations, clinical }, api);
    createSmartRoutes(others, api);
    createAdminRoutes(others, api);
    createTenantAdmin(others, api);
    createSystemAdminRoutes(others, api);
    createOpenapiRoutes(others, api.admit.publicUrl);
  }
  return { operations, clinical, others };
}

const createRouter = () => new Router<HttpState>({ sensitive: true });

function recorderOf({ trail, admit, repository, turnedAway }: NonNullable<ServerOptions['api']>): AccessRecorder {
  return createAccessRecorder({ trail, findTenant: admit.findTenant, now: repository.now, turnedAway });
}

/** As the tenant has set them, and its apps have registered them; asked only when a browser says where its page is from. */
function registeredOrigins({ admit, repository, smart }: FhirHandlerOptions & SmartRoutesOptions): OriginsOf {
  const settings = createSettingsReader(repository.tenantDoor);
  return async (tenantName) => {
    const tenant = await admit.findTenant(tenantName);
    if (!tenant) return [];
    return [...(await settings.of(tenant.id))['cors.origins'], ...(await smart.originsOf(tenant.id))];
  };
}
