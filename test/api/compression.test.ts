// Compressed answers and bodies: RFC 9110 sections 8.4 and 12.5.3, and what a small body may become (security.md 85)

import { type ClientRequest, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, brotliDecompressSync, constants, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;

/** Long enough to be worth it. */
const long: Patient = buildPatient({ name: Array.from({ length: 60 }, (_, n) => ({ family: `Muster ${n}` })) });

beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/long', { ...long, id: 'long' });
  await server.a.request('PUT', '/Patient/short', { ...buildPatient(), id: 'short' });
}, 60_000);

afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
}

/** Nothing is added to the headers and nothing is decoded, as fetch would. */
function raw(
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body: Buffer | ((request: ClientRequest) => void) = Buffer.alloc(0),
  tenant: TestTenant = server.a,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${server.origin}/t/${tenant.name}/fhir${path}`,
      { method, headers: { Authorization: `Bearer ${tenant.token}`, ...headers } },
      async (answer) => {
        const bytes = await buffer(answer);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes });
      },
    );
    // A server that has refused may close while the rest is still being sent.
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    if (typeof body === 'function') body(request);
    else request.end(body);
  });
}

const decoders = { br: brotliDecompressSync, gzip: gunzipSync } as const;

describe('an answer', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.5, gzip', 'gzip'],
    ['*', 'gzip'],
  ] as const)('to Accept-Encoding: %s comes in %s', async (accepted, coding) => {
    const plain = await raw('GET', '/Patient/long');
    const answer = await raw('GET', '/Patient/long', { 'Accept-Encoding': accepted });
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, coding]);
    expect(answer.headers.vary).toContain('Accept-Encoding');
    expect(answer.headers.etag).toBe(plain.headers.etag);
    expect(answer.bytes.length).toBeLessThan(plain.bytes.length / 2);
    expect(decoders[coding](answer.bytes)).toEqual(plain.bytes);
  });

  test.each([undefined, '', 'identity', 'zstd', 'gzip;q=0', 'identity;q=0', '*;q=0', 'gzip;q=0, br;q=0, identity;q=0'])(
    'to Accept-Encoding: %s comes as it is',
    async (accepted) => {
      const answer = await raw('GET', '/Patient/long', accepted === undefined ? {} : { 'Accept-Encoding': accepted });
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, undefined]);
      expect(answer.headers['content-length']).toBe(String(answer.bytes.length));
    },
  );

  test('that is short comes as it is', async () => {
    const answer = await raw('GET', '/Patient/short', { 'Accept-Encoding': 'br, gzip' });
    expect([answer.headers['content-encoding'], answer.headers['content-length']]).toEqual([
      undefined,
      String(answer.bytes.length),
    ]);
  });

  test('comes so in XML, as a search, as metadata and as an error too', async () => {
    const longQuery = `_sort=${'x'.repeat(200)},`.repeat(8);
    for (const path of ['/Patient/long?_format=xml', '/Patient', '/metadata', `/Patient?${longQuery}`]) {
      const headers = { 'Accept-Encoding': 'gzip', Prefer: 'handling=lenient' };
      const answer = await raw('GET', path, headers);
      expect(answer.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(answer.bytes).toString()).toMatch(/^[{<]/);
    }
  });

  test('to HEAD promises no length that GET would not have', async () => {
    const compressed = await raw('HEAD', '/Patient/long', { 'Accept-Encoding': 'gzip' });
    expect([compressed.status, compressed.headers['content-length'], compressed.bytes.length]).toEqual([
      200,
      undefined,
      0,
    ]);
    const short = await raw('HEAD', '/Patient/short', { 'Accept-Encoding': 'gzip' });
    expect(Number(short.headers['content-length'])).toBeGreaterThan(0);
  });

  test("of one tenant is not another's, however it is coded", async () => {
    const answer = await raw('GET', '/Patient/long', { 'Accept-Encoding': 'br' }, undefined, server.b);
    expectRefusal({ status: answer.status, text: answer.bytes.toString() }, 404);
  });
});

describe('a body', () => {
  const json = { 'Content-Type': 'application/fhir+json' };
  const post = (body: Buffer, coding: string, headers: OutgoingHttpHeaders = json) =>
    raw('POST', '/Patient', { ...headers, 'Content-Encoding': coding }, body);
  const refused = ({ status, bytes }: Answer, statuses: number | number[]) =>
    expectRefusal({ status, text: bytes.toString() }, statuses);
  const text = Buffer.from(JSON.stringify(long));

  test.each([
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['identity', text],
  ])('in %s is read', async (coding, body) => {
    const answer = await post(body, coding);
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.bytes.toString())).toMatchObject(long);
  });

  test('in gzip may be XML', async () => {
    const xml = Buffer.from('<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>');
    expect((await post(gzipSync(xml), 'gzip', { 'Content-Type': 'application/fhir+xml' })).status).toBe(201);
  });

  test.each(['gzip, gzip', 'gzip,gzip', 'br, gzip', 'zstd', 'compress', 'constructor', 'x'])(
    'in %s is 415, and Accept-Encoding says what is read',
    async (coding) => {
      const answer = await post(gzipSync(gzipSync(text)), coding);
      refused(answer, 415);
      expect(answer.headers['accept-encoding']).toBe('gzip, br, deflate');
    },
  );

  test.each([
    ['that is not gzip', text, 'gzip'],
    ['that is not br', gzipSync(text), 'br'],
    ['that is cut off', gzipSync(text).subarray(0, -20), 'gzip'],
    ['whose length is wrong', Buffer.concat([gzipSync(text).subarray(0, -4), Buffer.from([9, 9, 9, 9])]), 'gzip'],
    [
      'whose checksum is wrong',
      Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(4), gzipSync(text).subarray(-4)]),
      'gzip',
    ],
    ['that is cut off in br', brotliCompressSync(text).subarray(0, -20), 'br'],
    ['that is empty', Buffer.alloc(0), 'gzip'],
    ['with one byte changed', Buffer.from(gzipSync(text)).fill(0xff, 40, 60), 'gzip'],
  ])('%s is 400', async (_, body, coding) => refused(await post(body, coding), 400));

  test('of 1 GB from 1 MB is 413 at the limit, and memory stays flat (security.md 85)', async () => {
    const member = gzipSync(Buffer.alloc(64_000_000, 0x20));
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => member));
    const before = process.memoryUsage();
    let peak = 0;
    const watch = setInterval(() => {
      const { arrayBuffers } = process.memoryUsage();
      peak = Math.max(peak, arrayBuffers);
    }, 5);
    refused(await post(bomb, 'gzip'), 413);
    clearInterval(watch);
    expect(peak - before.arrayBuffers).toBeLessThan(200_000_000);
  });

  test('of 200 MB from less than 100 kB in br is 413', async () => {
    const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
    const bomb = brotliCompressSync(Buffer.alloc(200_000_000), quick);
    expect(bomb.length).toBeLessThan(100_000);
    refused(await post(bomb, 'br'), 413);
  });

  test('that is longer than the limit before it is decoded is 413 by its length', async () => {
    const headers = { ...json, 'Content-Encoding': 'gzip', 'Content-Length': 64_000_001 };
    refused(await raw('POST', '/Patient', headers, (request) => request.flushHeaders()), 413);
  });

  test('that never becomes anything is 413 when it is too long as it comes', async () => {
    const nothing = Buffer.concat(Array.from({ length: 50_000 }, () => gzipSync(Buffer.alloc(0))));
    const answer = await raw('POST', '/Patient', { ...json, 'Content-Encoding': 'gzip' }, (request) => {
      let sent = 0;
      const more = () => {
        while (sent < 70_000_000 && !request.destroyed) {
          sent += nothing.length;
          if (!request.write(nothing)) return void request.once('drain', more);
        }
        request.end();
      };
      more();
    });
    refused(answer, 413);
  });

  test('whose sender goes away leaves nothing behind and no failure', async () => {
    const whole = gzipSync(
      Buffer.from(
        JSON.stringify({ ...long, name: Array.from({ length: 50_000 }, () => ({ text: String(Math.random()) })) }),
      ),
    );
    const headers = { ...json, 'Content-Encoding': 'gzip', 'Content-Length': whole.length };
    const gone = raw('POST', '/Patient', headers, (request) => {
      request.write(whole.subarray(0, 100_000), () => request.destroy(new Error('gone')));
    });
    await expect(gone).rejects.toThrow('gone');
    expect((await post(gzipSync(text), 'gzip')).status).toBe(201);
  });

  test('a repeated POST is the same in whichever coding it comes (contract.md 8)', async () => {
    const headers = { ...json, 'Idempotency-Key': 'coded-1' };
    const [first, again] = [
      await post(gzipSync(text), 'gzip', headers),
      await post(brotliCompressSync(text), 'br', headers),
    ];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers.location).toBe(first.headers.location);
  });
});

describe('the content of a Binary (https://hl7.org/fhir/R4/binary.html#rest)', () => {
  const content = Buffer.from('%PDF-1.7 '.repeat(500));
  const pdf = { 'Content-Type': 'application/pdf' };

  test('comes decoded and goes as it is', async () => {
    const made = await raw('POST', '/Binary', { ...pdf, 'Content-Encoding': 'gzip' }, gzipSync(content));
    expect(made.status).toBe(201);
    const path = `/Binary/${/Binary\/([^/]+)/.exec(made.headers.location ?? '')?.[1]}`;
    for (const headers of [
      {},
      { Accept: 'application/pdf' },
      { Accept: 'image/png, */*;q=0.1', 'Accept-Encoding': 'br' },
    ]) {
      const read = await raw('GET', path, headers);
      expect([read.status, read.headers['content-type'], read.headers['content-encoding']]).toEqual([
        200,
        'application/pdf',
        undefined,
      ]);
      expect(read.headers.vary).toContain('Origin');
      expect(read.bytes).toEqual(content);
    }
    const head = await raw('HEAD', path, { Accept: 'application/pdf' });
    expect([head.status, head.headers['content-length'], head.bytes.length]).toEqual([200, String(content.length), 0]);
    const xml = await raw('GET', path, { Accept: 'application/fhir+xml' });
    expect(xml.bytes.toString()).toContain('<contentType value="application/pdf"/>');
    expect((await raw('GET', path, {}, undefined, server.b)).status).toBe(404);
  });

  test('is limited and checked like any body', async () => {
    const bomb = gzipSync(Buffer.alloc(64_000_001));
    const answers = [
      await raw('POST', '/Binary', { ...pdf, 'Content-Encoding': 'gzip' }, bomb),
      await raw('POST', '/Binary', { ...pdf, 'Content-Encoding': 'gzip' }, gzipSync(content).subarray(0, -9)),
      await raw('POST', '/Binary', { ...pdf, 'Content-Encoding': 'gzip, gzip' }, gzipSync(gzipSync(content))),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 400, 415]);
  });
});
