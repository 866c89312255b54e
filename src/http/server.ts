// The HTTP server: middleware in the order a request meets them, then the routes.

import Router from '@koa/router';
import Koa from 'koa';
import type { Logger } from 'pino';
import type { FhirHandlerOptions } from './fhir-handler.ts';
import { createFhirRoutes } from './fhir-routes.ts';
import { type HealthOptions, healthRoutes } from './health.ts';
import type { HttpMetrics } from './metrics.ts';
import { createAccessLog } from './middleware/access-log.ts';
import { createErrorMiddleware } from './middleware/errors.ts';
import { type HttpState, requestState } from './middleware/request-state.ts';
import { createRequestTarget } from './middleware/request-target.ts';
import { unknownRoute } from './middleware/unknown-route.ts';
import { createSmartRoutes, type SmartRoutesOptions } from './smart-routes.ts';

export interface ServerOptions {
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  readonly health: HealthOptions;
  /** Absent in a process that only works on jobs. */
  readonly api?: FhirHandlerOptions & SmartRoutesOptions;
}

export function createServer(options: ServerOptions): Koa<HttpState> {
  const app = new Koa<HttpState>();
  // Whatever reaches this handler is about a connection that is gone: there is nobody to answer.
  app.on('error', (error: Error) => options.log.warn({ name: error.name }, 'connection failed'));
  app.use(requestState);
  app.use(createAccessLog(options.log, options.metrics));
  app.use(createErrorMiddleware(options.log));
  app.use(createRequestTarget(options.api?.admit.publicUrl));
  // Paths are case-sensitive: RFC 9110 section 4.2.3.
  const router = new Router<HttpState>({ sensitive: true });
  healthRoutes(router, options.health);
  if (options.api) {
    // First, for `.well-known/smart-configuration` looks like a resource type and an id.
    createSmartRoutes(router, options.api);
    createFhirRoutes(router, options.api);
  }
  app.use(router.routes());
  app.use(unknownRoute(router));
  return app;
}
