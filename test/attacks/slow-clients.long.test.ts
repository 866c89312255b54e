// Attack 94 of security.md in full: whoever sends slowly is sent away in time, and meanwhile nobody else waits.

import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface SlowClient {
  readonly socket: Socket;
  readonly closed: Promise<number>;
}

/** Sends what it has, then a byte every second. */
function slowly(head: string): SlowClient {
  const { hostname, port } = new URL(server.origin);
  const startedAt = Date.now();
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(head);
  const timer = setInterval(() => socket.write('x'), 1_000);
  const closed = new Promise<number>((resolve) => {
    socket.on('close', () => {
      clearInterval(timer);
      resolve(Date.now() - startedAt);
    });
  });
  return { socket, closed };
}

async function readsGoOn(): Promise<void> {
  for (let n = 0; n < 100; n += 1) expect((await server.a.request('GET', '/Patient/none')).status).toBe(404);
}

test('500 heads without an end are cut off within a minute', async () => {
  const clients = Array.from({ length: 500 }, () =>
    slowly('GET /t/clinic-a/fhir/Patient/none HTTP/1.1\r\nHost: hpms.test\r\nX-Slow: '),
  );
  await readsGoOn();
  // Node looks every half minute, for heads that are older than ten seconds.
  for (const ms of await Promise.all(clients.map(({ closed }) => closed))) expect(ms).toBeLessThan(60_000);
});

test('bodies without an end are cut off within three minutes', async () => {
  const head = `POST /t/clinic-a/fhir/Patient HTTP/1.1\r\nHost: hpms.test\r\nAuthorization: Bearer ${server.a.token}\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000000\r\n\r\n{`;
  const clients = Array.from({ length: 100 }, () => slowly(head));
  await readsGoOn();
  for (const ms of await Promise.all(clients.map(({ closed }) => closed))) expect(ms).toBeLessThan(180_000);
});

test('9,000 connections that say nothing do not keep anybody out', async () => {
  const { hostname, port } = new URL(server.origin);
  const sockets = await Promise.all(
    Array.from(
      { length: 9_000 },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect({ host: hostname, port: Number(port) });
          socket.once('connect', () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  await readsGoOn();
  for (const socket of sockets) socket.destroy();
});
