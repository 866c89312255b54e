// Turns requests away while more are under way than can be answered in time, before anything is done for them: https://sre.google/sre-book/handling-overload/

import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { fhirError } from '../../fhir/outcome.ts';
import { createUnderWay, type UnderWay } from '../under-way.ts';
import type { HttpState } from './request-state.ts';

export interface OverloadOptions {
  /** Requests that are wholly received and not answered yet. */
  readonly requestsMax: number;
  /** So many of them may be late. */
  readonly lateMax: number;
  readonly nowMs: () => number;
}

/** Later than that is late: with a hundred such the server has begun more than it can end, however many that are. */
const lateMs = 2_000;
const usual: OverloadOptions = { requestsMax: 1_000, lateMax: 100, nowMs: () => performance.now() };

/** Those who were turned away together are not to come back together. */
const retryAfterSecondsMax = 5;

const discardedBytesMax = 65_536;

/** An overloaded process is not to be restarted, and its figures are wanted most then. */
const alwaysAnswered: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

interface Received {
  readonly request: IncomingMessage;
  readonly tenant: string;
  readonly sinceMs: number;
}

/**
 * Throws 503 for whoever has its share already: a tenant with few requests under way gets through while others send too many.
 * What is turned away is on record by its number alone, for nobody has looked at what was asked.
 */
export function createOverloadGuard({ requestsMax, lateMax, nowMs }: OverloadOptions = usual): Middleware<HttpState> {
  const underWay = createUnderWay<Received>();

  function areLate(): boolean {
    const before = nowMs() - lateMs;
    let late = 0;
    for (const { request, sinceMs } of underWay) {
      if (sinceMs > before) return false;
      if (request.complete && ++late >= lateMax) return true;
    }
    return false;
  }

  function hasItsShare(tenant: string): boolean {
    const isLate = areLate();
    if (!isLate && underWay.size < requestsMax) return false;
    const counts = countReceived(underWay);
    const received = counts.values().reduce((sum, count) => sum + count, 0);
    if (!isLate && received < requestsMax) return false;
    const own = counts.get(tenant) ?? 0;
    const tenants = counts.size + (own === 0 ? 1 : 0);
    return received >= 2 * requestsMax || own >= received / tenants;
  }

  return async (ctx, next) => {
    if (alwaysAnswered.has(ctx.path)) return await next();
    const tenant = tenantIn(ctx.path);
    if (hasItsShare(tenant)) {
      ctx.state.isTurnedAway = true;
      await discardShort(ctx.req);
      throw tooMany();
    }
    const ended = underWay.add({ request: ctx.req, tenant, sinceMs: nowMs() });
    try {
      await next();
    } finally {
      ended();
    }
  };
}

/** With its body read the connection may stay: a new one for each that is turned away would cost more. */
async function discardShort(request: IncomingMessage): Promise<void> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (request.complete || length === 0 || length > discardedBytesMax) return;
  await new Promise<void>((resolve) => {
    request
      .once('end', resolve)
      .once('close', () => resolve())
      .resume();
  });
}

/** By tenant. Who sends a body slowly takes nobody's place. */
function countReceived(underWay: UnderWay<Received>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { request, tenant } of underWay) {
    if (request.complete) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  return counts;
}

/** As the path names it, whether there is one of that name or not. */
function tenantIn(path: string): string {
  return /^\/t\/([^/]+)/.exec(path)?.[1] ?? '';
}

function tooMany(): Error {
  return fhirError('throttled', 'The server has more requests than it can answer in time; try again shortly.', {
    status: 503,
    retryAfterSeconds: 1 + Math.floor(Math.random() * retryAfterSecondsMax),
  });
}
