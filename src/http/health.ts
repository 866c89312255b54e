// Whether the process lives, whether it should get requests, and its measurements.

import { timingSafeEqual } from 'node:crypto';
import type Router from '@koa/router';
import type { Registry } from 'prom-client';
import type { SystemDoor } from '../database/system-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { HttpState } from './middleware/request-state.ts';

/** One thing that must hold before requests are welcome. */
export interface ReadinessCheck {
  readonly name: string;
  /** Gives what is wrong, or undefined. */
  problem(): Promise<string | undefined>;
  /** Said in place of `ok`. */
  readonly note?: string;
}

export interface HealthOptions {
  readonly checks: readonly ReadinessCheck[];
  readonly registry: Registry;
  /** Bearer token of `/metrics`. */
  readonly metricsToken: string;
}

export function healthRoutes(router: Router<HttpState>, { checks, registry, metricsToken }: HealthOptions): void {
  router.get('/healthz', (ctx) => {
    ctx.state.route = '/healthz';
    ctx.body = { status: 'ok' };
  });
  router.get('/readyz', async (ctx) => {
    ctx.state.route = '/readyz';
    const results = await Promise.all(checks.map(async (check) => ({ ...check, wrong: await problemOf(check) })));
    const ready = results.every(({ wrong }) => wrong === undefined);
    ctx.status = ready ? 200 : 503;
    ctx.body = {
      status: ready ? 'ready' : 'not ready',
      checks: Object.fromEntries(results.map(({ name, wrong, note }) => [name, wrong ?? note ?? 'ok'])),
    };
  });
  router.get('/metrics', async (ctx) => {
    ctx.state.route = '/metrics';
    requireToken(ctx.get('Authorization'), metricsToken);
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
  });
}

async function problemOf(check: ReadinessCheck): Promise<string | undefined> {
  try {
    return await check.problem();
  } catch {
    return 'does not answer';
  }
}

function requireToken(authorization: string, token: string): void {
  const expected = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(authorization);
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw fhirError('login', 'The metrics need the token that `npm run admin -- metrics-token` prints.');
}

export interface ReadinessOptions {
  readonly systemDoor: SystemDoor;
  readonly missingWalls: readonly string[];
  readonly isDraining: () => boolean;
}

/** Not ready while draining, without database, or when the month after next has no partition. */
export function readinessChecks({ systemDoor, missingWalls, isDraining }: ReadinessOptions): ReadinessCheck[] {
  return [
    { name: 'accepting', problem: async () => (isDraining() ? 'is shutting down' : undefined) },
    { name: 'database', problem: async () => void (await systemDoor((trx) => trx.query({ text: 'SELECT 1' }))) },
    { name: 'partitions', problem: () => partitionProblem(systemDoor) },
    // Told, not refused: a server of one's own may not let anybody raise this wall.
    {
      name: 'tenant walls',
      problem: async () => undefined,
      ...(missingWalls.length > 0 && { note: missingWalls.join('; ') }),
    },
  ];
}

async function partitionProblem(systemDoor: SystemDoor): Promise<string | undefined> {
  const [row] = await systemDoor((trx) =>
    trx.query<{ ahead: number }>({ text: 'SELECT system.partition_months_ahead() AS ahead' }),
  );
  const ahead = row?.ahead ?? -1;
  return ahead >= 1 ? undefined : `there is room for ${ahead} months after this one`;
}
