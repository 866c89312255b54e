// The HTTP server: middleware in the order a request meets them, then the routes.

import Router from '@koa/router';
import Koa from 'koa';
import type { Logger } from 'pino';
import { createSettingsReader } from '../tenants/settings.ts';
import { createTenantAdmin, type TenantAdminOptions } from './admin/tenant-admin.ts';
import { createAdminRoutes } from './admin-routes.ts';
import type { FhirHandlerOptions } from './fhir-handler.ts';
import { createFhirRoutes } from './fhir-routes.ts';
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
import { createSmartRoutes, type SmartRoutesOptions } from './smart-routes.ts';
import { createSystemAdminRoutes, type SystemAdminOptions } from './system-admin/system-admin-routes.ts';

export interface ServerOptions {
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  readonly health: HealthOptions;
  /** Absent in a process that only works on jobs. */
  readonly api?: FhirHandlerOptions & SmartRoutesOptions & SystemAdminOptions & TenantAdminOptions;
}

export function createServer(options: ServerOptions): Koa<HttpState> {
  const app = new Koa<HttpState>();
  // Whatever reaches this handler is about a connection that is gone: there is nobody to answer.
  app.on('error', (error: Error) => options.log.warn({ name: error.name }, 'connection failed'));
  app.use(createRequestState(options.api?.admit.publicUrl.startsWith('https:') ?? false));
  app.use(createAccessLog(options.log, options.metrics));
  app.use(compression);
  const recorder = options.api && recorderOf(options.api);
  app.use(createErrorMiddleware(options.log, options.api?.repository.definitions, recorder));
  app.use(createRequestTarget(options.api?.admit.publicUrl));
  if (options.api) app.use(createCors(registeredOrigins(options.api)));
  app.use(createOverloadGuard());
  // Paths are case-sensitive: RFC 9110 section 4.2.3.
  const router = new Router<HttpState>({ sensitive: true });
  // Apart: a router tries every path it has, and clinical requests are not to pay for those of administration.
  const administration = new Router<HttpState>({ sensitive: true });
  healthRoutes(router, options.health);
  if (options.api) {
    // First, for `.well-known/smart-configuration` looks like a resource type and an id.
    createSmartRoutes(router, options.api);
    createFhirRoutes(router, options.api);
    createAdminRoutes(administration, options.api);
    createTenantAdmin(administration, options.api);
    createSystemAdminRoutes(administration, options.api);
    createOpenapiRoutes(administration, options.api.admit.publicUrl);
  }
  app.use(router.routes());
  app.use(administration.routes());
  app.use(unknownRoute([router, administration]));
  return app;
}

function recorderOf({ trail, admit, repository }: FhirHandlerOptions): AccessRecorder {
  return createAccessRecorder({ trail, findTenant: admit.findTenant, now: repository.now });
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
