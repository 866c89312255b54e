// What `/readyz` says to a balancer and to whoever looks at it: README, Real use 6.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import Router from '@koa/router';
import Koa from 'koa';
import { Registry } from 'prom-client';
import { healthRoutes, type ReadinessCheck, readinessChecks } from '../../src/http/health.ts';
import type { HttpState } from '../../src/http/middleware/request-state.ts';

let http: Server | undefined;
afterEach(() => {
  http?.close();
});

async function readyWith(checks: readonly ReadinessCheck[]) {
  http?.close();
  const router = new Router<HttpState>();
  healthRoutes(router, { checks, registry: new Registry(), metricsToken: 'x' });
  http = createServer(new Koa().use(router.routes()).callback()).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/readyz`);
  return { status: answer.status, body: (await answer.json()) as { status: string; checks: Record<string, string> } };
}

const options = {
  systemDoor: () => Promise.reject(new Error('gone')),
  missingWalls: ['Row-level security is not forced: resource'],
  isDraining: () => false,
};

test('a wall between tenants that a server of one’s own lacks is told, and no reason to send requests elsewhere', async () => {
  const walls = readinessChecks(options).filter(({ name }) => name === 'tenant walls');
  expect(await readyWith(walls)).toEqual({
    status: 200,
    body: { status: 'ready', checks: { 'tenant walls': 'Row-level security is not forced: resource' } },
  });
  const whole = readinessChecks({ ...options, missingWalls: [] }).filter(({ name }) => name === 'tenant walls');
  expect((await readyWith(whole)).body.checks).toEqual({ 'tenant walls': 'ok' });
});

test('what is wrong is told by its name, with 503', async () => {
  expect(await readyWith(readinessChecks({ ...options, isDraining: () => true }))).toEqual({
    status: 503,
    body: {
      status: 'not ready',
      checks: {
        accepting: 'is shutting down',
        database: 'does not answer',
        partitions: 'does not answer',
        'tenant walls': 'Row-level security is not forced: resource',
      },
    },
  });
});
