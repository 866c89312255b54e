// One log line and one measurement per request: method, route and tenant, never an id or a search value.

import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { HttpMetrics } from '../metrics.ts';
import type { HttpState } from './request-state.ts';

export function createAccessLog(log: Logger, metrics: HttpMetrics): Middleware<HttpState> {
  return async function accessLog(ctx, next) {
    const startedAt = performance.now();
    await next();
    const durationMs = performance.now() - startedAt;
    const route = ctx.state.route ?? 'unknown';
    metrics.requestDone(ctx.method, route, ctx.status, durationMs / 1_000);
    if (!log.isLevelEnabled('info')) return;
    const { requestId, tenantName, clientId, resourceType } = ctx.state;
    log.info(
      {
        requestId,
        tenant: tenantName,
        client: clientId,
        method: ctx.method,
        route,
        type: resourceType,
        status: ctx.status,
        durationMs: Math.round(durationMs * 10) / 10,
      },
      'request',
    );
  };
}
