// Requests to addresses that others chose: security.md 51, 64

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOutboundFetch } from '../../src/gateways/outbound-fetch.ts';

let server: Server;
let origin: string;
let asked = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked += 1;
    if (request.url === '/large') response.end(Buffer.alloc(64 * 1_024 + 1));
    else if (request.url === '/redirect') response.writeHead(302, { Location: '/json' }).end();
    else if (request.url === '/empty') response.writeHead(204).end();
    else if (request.url !== '/never') response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"a":1}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const strict = createOutboundFetch({ allowedHosts: new Set() });
const allowing = createOutboundFetch({ allowedHosts: new Set(['127.0.0.1']) });

describe('what the operator has not allowed by name', () => {
  test.each([
    ...['https://127.0.0.1/', 'https://0x7f000001/', 'https://2130706433/', 'https://localhost/', 'https://0.0.0.0/'],
    ...['https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[64:ff9b::7f00:1]/', 'https://[fd00::1]/'],
    ...['https://10.1.2.3/', 'https://172.16.0.1/', 'https://192.168.1.1/', 'https://100.64.0.1/'],
    ...['https://169.254.169.254/latest/meta-data/', 'https://[fe80::1]/'],
  ])('%s is not asked', async (url) => {
    const error = await strict(url).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(String(error?.cause ?? error)).toMatch('does not ask');
  });

  test('is not asked without TLS, whatever its address', async () => {
    for (const url of [origin, 'http://example.com/', 'ftp://example.com/', 'file:///etc/passwd']) {
      await expect(strict(url)).rejects.toThrow('not by TLS');
    }
    expect(asked).toBe(0);
  });
});

describe('a host that the operator allowed', () => {
  test('is asked, with and without a body in its answer', async () => {
    expect(await (await allowing(`${origin}/json`)).json()).toEqual({ a: 1 });
    expect((await allowing(`${origin}/empty`)).status).toBe(204);
  });

  test('may not send a browser on to another address', async () => {
    const response = await allowing(`${origin}/redirect`);
    expect([response.status, response.headers.get('location')]).toEqual([302, '/json']);
  });

  test('may answer at most 64 KB', async () => {
    await expect(allowing(`${origin}/large`)).rejects.toThrow('more than 65536 bytes');
  });

  test('may not keep the server waiting', async () => {
    await expect(allowing(`${origin}/never`)).rejects.toThrow('timeout');
  });
});
