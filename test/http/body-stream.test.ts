// A request's body as a stream: decoded, limited, and let go of (security.md 85)

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FhirError } from '../../src/fhir/outcome.ts';
import { bodyStream } from '../../src/http/body-stream.ts';
import { decoderOf } from '../../src/http/content-coding.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The status and text of what `handle` gives or throws. */
async function serving(handle: (request: IncomingMessage) => Promise<string>): Promise<string> {
  server = createServer(async (request, response) => {
    const text = await handle(request).catch((error: unknown) => {
      if (!(error instanceof FhirError)) throw error;
      response.statusCode = error.status;
      return error.message;
    });
    request.resume();
    response.end(text);
  }).listen(0);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const limitBytes = 1_000_000;
const echo = async (request: IncomingMessage) => {
  const decoder = decoderOf(request.headers['content-encoding']);
  return (await buffer(bodyStream(request, { limitBytes, decoder }))).toString('latin1');
};

async function post(url: string, body: Buffer, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers });
  return { status: answer.status, text: await answer.text() };
}

describe('the body as a stream', () => {
  const text = Buffer.alloc(900_000, 'x');

  test.each([
    ['as it is', text, {}],
    ['decoded', gzipSync(text), { 'Content-Encoding': 'gzip' }],
  ])('comes %s', async (_, body, headers) => {
    expect(await post(await serving(echo), body, headers)).toEqual({ status: 200, text: text.toString() });
  });

  const tooMuch = Buffer.alloc(1_000_001, 'x');
  test.each([
    ['as it comes', tooMuch, {}, 413],
    ['once it is decoded', gzipSync(tooMuch), { 'Content-Encoding': 'gzip' }, 413],
    ['or broken', Buffer.from('no gzip'), { 'Content-Encoding': 'gzip' }, 400],
    ['or cut off', gzipSync(text).subarray(0, 500), { 'Content-Encoding': 'gzip' }, 400],
  ])('ends in an error where it is too long %s', async (_, body, headers, status) => {
    expect((await post(await serving(echo), body, headers)).status).toBe(status);
  });

  describe('that is longer as it comes than as it is', () => {
    const sizeOf = (encoding: string) => async (request: IncomingMessage) => {
      const body = bodyStream(request, { limitBytes: 64_000_000, decoder: decoderOf(encoding) });
      return `${(await buffer(body)).length}`;
    };
    const random = createHash('shake256', { outputLength: 5_000_000 }).update('HPMS').digest();

    test.each([
      ['gzip', gzipSync(random)],
      ['br', brotliCompressSync(random, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
      ['deflate', deflateSync(random)],
    ])('by what %s adds to what it cannot make smaller comes whole', async (encoding, body) => {
      expect(body.length).toBeGreaterThan(random.length);
      expect(await post(await serving(sizeOf(encoding)), body)).toEqual({ status: 200, text: `${random.length}` });
    });

    test('by empty pieces without end is too long after a megabyte, not after all that a body may have', async () => {
      const nothing = Buffer.concat(Array.from({ length: 1_000 }, () => gzipSync(Buffer.alloc(0))));
      const after = Buffer.concat([gzipSync(random), ...Array.from({ length: 100 }, () => nothing)]);
      expect((await post(await serving(sizeOf('gzip')), after)).status).toBe(413);
    });
  });

  test('that broke before anybody read it tells who reads it then', async () => {
    const url = await serving(async (request) => {
      const stream = bodyStream(request, { limitBytes, decoder: decoderOf('gzip') });
      await once(stream, 'close');
      return (await buffer(stream)).toString();
    });
    expect((await post(url, Buffer.from('no gzip'))).status).toBe(400);
  });

  test('ends in an error when the client goes away', async () => {
    const { promise: failure, resolve: failed } = Promise.withResolvers<unknown>();
    const url = await serving((request) =>
      echo(request).catch((error: unknown) => {
        failed(error);
        return '';
      }),
    );
    const client = httpRequest(url, { method: 'POST', headers: { 'Content-Length': 500_000 } });
    client.on('error', () => undefined);
    client.write(Buffer.alloc(100_000), () => client.destroy());
    expect(await failure).toMatchObject({ status: 400, message: expect.stringContaining('ended before') });
  });

  test.each([{}, { 'Content-Encoding': 'gzip' }])('that nobody reads lets go of the request: %j', async (headers) => {
    const url = await serving(async (request) => {
      const decoder = decoderOf(request.headers['content-encoding']);
      const stream = bodyStream(request, { limitBytes, decoder });
      stream.destroy();
      await once(stream, 'close');
      const listeners = request.listenerCount('data');
      // Read to its end, the connection can serve the next request.
      await buffer(request);
      return `${listeners}`;
    });
    expect(await post(url, Buffer.alloc(800_000), headers)).toEqual({ status: 200, text: '0' });
  });
});
