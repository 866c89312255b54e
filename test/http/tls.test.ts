// TLS served directly: RFC 9325 section 3.1.1 (no version below 1.2), RFC 6797, and certificates that are renewed while it runs.

import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Koa from 'koa';
import { readCertificate, renewCertificate } from '../../src/http/certificate.ts';
import { type HttpListener, listen } from '../../src/http/listen.ts';
import { createRequestState } from '../../src/http/middleware/request-state.ts';
import { type Certificate, makeCertificate } from '../support/certificates.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const folder = makeTemporaryFolder();
let certificate: Certificate;
beforeAll(async () => {
  certificate = await makeCertificate(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rejects when the handshake fails. */
async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe('a server that is given a certificate', () => {
  let listener: HttpListener;
  beforeAll(async () => {
    const app = new Koa();
    app.use(createRequestState(true) as Koa.Middleware);
    app.use((ctx) => {
      ctx.body = 'here';
    });
    const onError = (error: unknown) => {
      throw error;
    };
    listener = await listen(app.callback(), 0, { ...certificate, onError });
  });
  afterAll(() => listener.close(1_000));

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    const socket = await handshake(listener.port, {
      ...{ ca: certificate.certificate, minVersion: version, maxVersion: version },
    });
    expect([socket.getProtocol(), socket.authorized]).toEqual([version, true]);
    socket.destroy();
  });

  test.each(['TLSv1', 'TLSv1.1'] as const)('does not speak %s', async (version) => {
    // The client's own library would refuse too: its level is lowered so that it asks.
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(handshake(listener.port, { ca: certificate.certificate, ...old })).rejects.toThrow(/protocol|alert/i);
  });

  test('tells browsers to come by TLS from now on', async () => {
    const socket = await handshake(listener.port, { ca: certificate.certificate });
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/\r\nStrict-Transport-Security: max-age=63072000\r\n/i);
  });

  test('plain HTTP on its port is answered by nothing', async () => {
    await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
  });
});

test('without TLS nothing is said of it', async () => {
  const headers: Record<string, string> = {};
  const ctx = {
    get: () => '',
    state: {},
    res: { setHeader: (name: string, value: string) => (headers[name] = value) },
  };
  await createRequestState(false)(ctx as never, async () => undefined);
  expect(Object.keys(headers)).toContain('X-Content-Type-Options');
  expect(Object.keys(headers)).not.toContain('Strict-Transport-Security');
});

describe('a certificate that is renewed', () => {
  let server: Server;
  let port: number;
  let files: Certificate;
  const errors: unknown[] = [];
  beforeAll(async () => {
    files = await makeCertificate(folder, 'renewed');
    server = createServer(readCertificate(files)).listen(0, '127.0.0.1');
    renewCertificate(server, files, { onError: (error) => errors.push(error), lookEveryMs: 20 });
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.close();
  });

  async function served(): Promise<string> {
    const socket = await handshake(port, { rejectUnauthorized: false });
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }

  test('is served to whoever connects then; a key that does not fit it is told, and the old one stays', async () => {
    const first = await served();
    const next = await makeCertificate(folder, 'next');
    writeFileSync(files.certificateFile, next.certificate);
    while (errors.length === 0) await new Promise(setImmediate);
    expect(await served()).toBe(first);
    writeFileSync(files.keyFile, next.key);
    while ((await served()) === first) await new Promise(setImmediate);
  });
});

test('a certificate and a key that do not belong together are refused at the start', async () => {
  const other = await makeCertificate(folder, 'other');
  expect(() => readCertificate({ ...certificate, keyFile: other.keyFile })).toThrow();
});
