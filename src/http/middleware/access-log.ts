// One log line and one measurement per request: method, route and tenant, never an id or a search value.

import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { HttpMetrics } from '../metrics.ts';
import type { HttpState } from './request-state.ts';

/** What requests of one kind have in common, written out once. */
interface RequestKind {
  readonly log: Logger;
  readonly measure: (seconds: number) => void;
}

const kindsMax = 2_000;

export function createAccessLog(log: Logger, metrics: HttpMetrics): Middleware<HttpState> {
  const kinds = new Map<string, RequestKind>();

  function kindOf(state: HttpState, method: string, status: number): RequestKind {
    const { route = 'unknown', tenantName = '', clientId = '', resourceType = '' } = state;
    const key = `${method} ${route} ${status} ${tenantName} ${clientId} ${resourceType}`;
    const known = kinds.get(key);
    if (known) return known;
    const common = {
      tenant: state.tenantName,
      client: state.clientId,
      method,
      route,
      type: state.resourceType,
      status,
    };
    const kind = { log: log.child(common), measure: metrics.requestMeter(method, route, status) };
    if (kinds.size >= kindsMax) kinds.clear();
    kinds.set(key, kind);
    return kind;
  }

  return async function accessLog(ctx: Pick<Context, 'method' | 'status'> & { state: HttpState }, next) {
    const startedAt = performance.now();
    await next();
    const durationMs = performance.now() - startedAt;
    const kind = kindOf(ctx.state, ctx.method, ctx.status);
    kind.measure(durationMs / 1_000);
    kind.log.info({ requestId: ctx.state.requestId, durationMs: Math.round(durationMs * 10) / 10 }, 'request');
  };
}
