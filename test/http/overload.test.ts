// Who is turned away when too many requests are under way, and who is not: fault 32

import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import Koa from 'koa';
import { pino } from 'pino';
import { createErrorMiddleware } from '../../src/http/middleware/errors.ts';
import { createOverloadGuard } from '../../src/http/middleware/overload.ts';
import { createRequestState, type HttpState } from '../../src/http/middleware/request-state.ts';
import type { AccessRecorder } from '../../src/http/record-access.ts';
import { waitFor } from '../faults/bed.ts';

let server: Server;
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

/** A server whose requests are answered when `free` is called. */
async function open({ requestsMax = 4, lateMax = 100, nowMs = () => performance.now() } = {}) {
  const gate = Promise.withResolvers<void>();
  const seen = { underWay: 0, logged: 0, recorded: 0, turnedAway: [] as string[] };
  const app = new Koa<HttpState>();
  const log = pino({ level: 'error' }, { write: () => void seen.logged++ });
  const recorder: AccessRecorder = {
    answered: () => undefined,
    refused: async () => void seen.recorded++,
    turnedAway: ({ path }) => void seen.turnedAway.push(path),
  };
  app.use(createRequestState(false));
  app.use(createErrorMiddleware(log, undefined, recorder));
  app.use(createOverloadGuard({ requestsMax, lateMax, nowMs }));
  app.use(async (ctx) => {
    ctx.body = 'done';
    if (ctx.path === '/healthz') return;
    seen.underWay += 1;
    await gate.promise;
  });
  server = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (path: string, init: RequestInit = {}) => fetch(origin + path, init);
  return {
    ...{ origin, seen, ask, free: gate.resolve },
    /** So many requests that wait. */
    async hold(count: number, path: string) {
      const before = seen.underWay;
      const held = Array.from({ length: count }, () => ask(path));
      await waitFor('requests under way', () => seen.underWay === before + count);
      return held;
    },
  };
}

const a = '/t/clinic-a/fhir/Patient';
const b = '/t/clinic-b/fhir/Patient';
const statusOf = (answers: Promise<Response>[]) => Promise.all(answers.map(async (one) => (await one).status));

test('as many as allowed are under way; the next is 503 with Retry-After at once, on record by its number alone and no error', async () => {
  const { seen, ask, hold, free } = await open();
  const held = await hold(4, a);
  const refused = await ask(a);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'throttled' }] });
  free();
  expect(await statusOf(held)).toEqual([200, 200, 200, 200]);
  expect((await ask(a)).status).toBe(200);
  expect(seen).toEqual({ underWay: 5, logged: 0, recorded: 0, turnedAway: [a] });
});

test('health is answered all the same', async () => {
  const { ask, hold, free } = await open();
  const held = await hold(4, a);
  expect((await ask('/healthz')).status).toBe(200);
  free();
  await statusOf(held);
});

test('a tenant with few requests gets through while another has too many, up to twice as many in all', async () => {
  const { ask, hold, free } = await open();
  const held = [...(await hold(4, a)), ...(await hold(3, b)), ...(await hold(1, '/t/clinic-c/fhir/Patient'))];
  for (const path of [a, '/t/clinic-d/fhir/Patient']) expect((await ask(path)).status).toBe(503);
  free();
  expect(new Set(await statusOf(held))).toEqual(new Set([200]));
});

test('requests that are late turn away as many requests would', async () => {
  let now = 0;
  const { ask, hold, free } = await open({ requestsMax: 100, lateMax: 3, nowMs: () => now });
  const held = await hold(2, a);
  now = 2_001;
  held.push(...(await hold(5, a)));
  now = 4_002;
  expect((await ask(a)).status).toBe(503);
  held.push(...(await hold(1, b)));
  free();
  expect(new Set(await statusOf(held))).toEqual(new Set([200]));
  expect((await ask(a)).status).toBe(200);
});

test('bodies that come slowly take nobody’s place', async () => {
  const { origin, seen, ask, hold, free } = await open();
  const slow = Array.from({ length: 8 }, () => {
    const one = httpRequest(origin + a, { method: 'POST' });
    one.on('error', () => undefined);
    one.write('{');
    return one;
  });
  await waitFor('slow ones', () => seen.underWay === 8);
  const held = await hold(4, a);
  expect((await ask(a)).status).toBe(503);
  free();
  expect(await statusOf(held)).toEqual([200, 200, 200, 200]);
  for (const one of slow) one.destroy();
});

test('a connection stays when its request is turned away, with its body', async () => {
  const { ask, hold, free } = await open();
  const held = await hold(4, a);
  const refused = await ask(a, { method: 'POST', body: JSON.stringify({ resourceType: 'Patient' }) });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('Connection')).not.toBe('close');
  free();
  await statusOf(held);
});
