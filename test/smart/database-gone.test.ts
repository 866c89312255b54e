// The authorization server while its database is away: 503 and back by itself, and no token is called bad for it (issue 2, Bad input and failure).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { basic, bearer, get, post, requestToken, type SmartServer, startSmartServer } from './smart-server.ts';

let server: SmartServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await startSmartServer(async (databaseUrl) => {
    proxy = await startTcpProxy(databaseUrl);
    return proxy.url;
  });
});
afterAll(async () => {
  await server.close();
  await proxy.close();
});

test('token requests and calls are 503 while it is away, and go on when it is back', async () => {
  const ask = () => post(`${server.url}/t/clinic-a/token`, { grant_type: 'client_credentials' }, basic(server.a));
  const call = (token: string) => get(`${server.url}/t/clinic-a/fhir/Patient`, bearer(token));
  const token = await requestToken(server, server.a);
  proxy.set({ refuse: true });
  const refused = await ask();
  expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await call(token)).status).toBe(503);
  proxy.set({ refuse: false });
  expect((await call(token)).status).toBe(200);
  expect((await ask()).status).toBe(200);
  expect(server.errors).toEqual([]);
});
