// Binary in its own content type and as a FHIR resource: https://hl7.org/fhir/R4/binary.html#rest

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';
import { getEntry, postEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectRefusal } from './refusals.ts';

const fhirJson = 'application/fhir+json';
const png = randomBytes(100_001);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

type Headers = Record<string, string>;

/** Sends these headers and no others. */
function start(
  method: string,
  path: string,
  body?: Buffer | Readable,
  headers: Headers = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const authorization = { Authorization: `Bearer ${server.a.token}` };
    const url = `${server.origin}/t/clinic-a/fhir${path}`;
    const sent = httpRequest(url, { method, headers: { ...authorization, ...headers } }, resolve);
    sent.on('error', reject);
    if (body instanceof Readable) body.pipe(sent);
    else sent.end(body);
  });
}

async function send(method: string, path: string, body?: Buffer | Readable, headers: Headers = {}): Promise<Answer> {
  const answer = await start(method, path, body, headers);
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes, text: bytes.toString() };
}

const post = (body: Buffer, type: string, headers: Headers = {}) =>
  send('POST', '/Binary', body, { 'Content-Type': type, ...headers });
const get = (path: string, accept?: string) =>
  send('GET', path, undefined, accept === undefined ? {} : { Accept: accept });
const placeOf = (answer: Answer) =>
  (answer.headers.location ?? '').replace(/^.*\/fhir/, '').replace(/\/_history.*$/, '');
const create = async (body: Buffer, type: string, headers?: Headers) => placeOf(await post(body, type, headers));

async function objectCount(): Promise<number> {
  let count = 0;
  const inAnHour = new Date(Date.now() + 3_600_000);
  for await (const _ of server.app.repository.objectStore.listBefore(inAnHour)) count++;
  return count;
}

describe('the content as a body', () => {
  test('POST: 201 with Location and ETag, contentType and securityContext from the headers, no body', async () => {
    const answer = await post(png, 'image/png', { 'X-Security-Context': `${server.a.baseUrl}/Patient/p1` });
    expect([answer.status, answer.headers.etag, answer.text]).toEqual([201, 'W/"1"', '']);
    expect(answer.headers.location).toMatch(/^http:\/\/hpms\.test\/t\/clinic-a\/fhir\/Binary\/[^/]+\/_history\/1$/);
    const { text } = await get(placeOf(answer), fhirJson);
    expect(JSON.parse(text)).toMatchObject({
      contentType: 'image/png',
      securityContext: { reference: 'Patient/p1' },
      data: png.toString('base64'),
    });
    expect((await get(placeOf(answer))).headers['x-security-context']).toBe('Patient/p1');
  });

  test('PUT: 201 at a new id, then versions with their own content and type', async () => {
    const put = (body: string, type: string) =>
      send('PUT', '/Binary/notes', Buffer.from(body), { 'Content-Type': type });
    expect((await put('one', 'text/plain; charset=utf-8')).status).toBe(201);
    expect([(await put('<p/>', 'application/xhtml+xml')).headers.etag]).toEqual(['W/"2"']);
    const versions = [await get('/Binary/notes/_history/1'), await get('/Binary/notes')];
    expect(versions.map(({ text, headers }) => [text, headers['content-type'], headers.etag])).toEqual([
      ['one', 'text/plain; charset=utf-8', 'W/"1"'],
      ['<p/>', 'application/xhtml+xml', 'W/"2"'],
    ]);
    expect((await send('DELETE', '/Binary/notes')).status).toBe(204);
    expect((await get('/Binary/notes')).status).toBe(410);
    expect((await get('/Binary/notes/_history/1')).text).toBe('one');
  });

  test('is taken back when a precondition fails', async () => {
    const place = await create(Buffer.from('1'), 'text/plain');
    const before = await objectCount();
    const stale = await send('PUT', place, Buffer.from('2'), { 'Content-Type': 'text/plain', 'If-Match': 'W/"7"' });
    expectRefusal(stale, 412);
    expect(await objectCount()).toBe(before);
    expect((await get(place)).text).toBe('1');
  });

  test('of several at once with the same If-Match is that of one, and the others leave nothing', async () => {
    const place = await create(Buffer.from('0'), 'text/plain');
    const before = await objectCount();
    const headers = { 'Content-Type': 'text/plain', 'If-Match': 'W/"1"' };
    const contents = ['1', '2', '3', '4', '5'];
    const answers = await Promise.all(contents.map((text) => send('PUT', place, Buffer.from(text), headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
    const winner = contents[answers.findIndex(({ status }) => status === 200)];
    expect([(await get(place)).text, await objectCount()]).toEqual([winner, before + 1]);
  });

  test('of several at once with the same Idempotency-Key is stored once', async () => {
    const before = await objectCount();
    const key = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(png, 'image/png', key)));
    const made = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5 - made.length);
    expect(new Set(made.map(({ headers }) => headers.location)).size).toBe(1);
    expect(await objectCount()).toBe(before + 1);
  });

  test('comes back with Prefer: return=representation, in the form the client accepts', async () => {
    const prefer = { Prefer: 'return=representation' };
    expect((await post(png, 'image/png', prefer)).bytes.equals(png)).toBe(true);
    const resource = await post(Buffer.from('HPMS'), 'text/plain', { ...prefer, Accept: fhirJson });
    expect(resource.status).toBe(201);
    expect(JSON.parse(resource.text)).toMatchObject({ resourceType: 'Binary', data: 'SFBNUw==' });
  });

  test('may be of no type, or of no bytes', async () => {
    const untyped = await send('POST', '/Binary', Buffer.from('HPMS'));
    expect((await get(placeOf(untyped))).headers['content-type']).toBe('application/octet-stream');
    const empty = await get(await create(Buffer.alloc(0), 'text/plain'));
    expect([empty.status, empty.headers['content-length'], empty.text]).toEqual([200, '0', '']);
  });

  test('sent again with its Idempotency-Key is one Binary, with another content it is refused', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await post(png, 'image/png', key);
    const count = await objectCount();
    const again = await post(png, 'image/png', key);
    expect([again.status, again.headers.location]).toEqual([201, first.headers.location]);
    expectRefusal(await post(Buffer.from('other'), 'image/png', key), 422);
    expect(await objectCount()).toBe(count);
    expect((await get(placeOf(first))).bytes.equals(png)).toBe(true);
  });

  test.each(['#p', 'Patient?name=x', 'urn:uuid:0', 'not a reference'])(
    'X-Security-Context: %s is refused',
    async (reference) => {
      const before = await objectCount();
      expectRefusal(await post(png, 'image/png', { 'X-Security-Context': reference }), 400);
      expect(await objectCount()).toBe(before);
    },
  );
});

describe('a read is answered', () => {
  let place: string;
  beforeAll(async () => {
    place = await create(png, 'image/png');
  });

  test.each([
    [undefined],
    ['*/*'],
    ['image/png'],
    ['image/*'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8'],
    ['application/json, text/plain, */*'],
    ['application/fhir+json;q=0.1, image/png'],
  ])('as the content to Accept: %s', async (accept) => {
    const answer = await get(place, accept);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/png']);
    expect(answer.headers['content-length']).toBe(String(png.length));
    expect([answer.headers.etag, Boolean(answer.headers['last-modified'])]).toEqual(['W/"1"', true]);
    expect(answer.bytes.equals(png)).toBe(true);
  });

  test.each([
    ['application/fhir+json', ''],
    ['application/fhir+json, */*', ''],
    ['image/png;q=0.5, application/fhir+json', ''],
    ['application/json', ''],
    ['image/png', '?_format=json'],
    [undefined, '?_format=application/fhir%2Bjson'],
  ])('as a FHIR resource in JSON to Accept: %s and %s', async (accept, query) => {
    const answer = await get(place + query, accept);
    expect(answer.headers['content-type']).toMatch(/json/);
    expect(JSON.parse(answer.text)).toMatchObject({ contentType: 'image/png', data: png.toString('base64') });
  });

  test('as a FHIR resource in XML, and as a summary without data', async () => {
    const xml = await get(place, 'application/fhir+xml');
    expect(xml.headers['content-type']).toMatch(/^application\/fhir\+xml/);
    expect(xml.text).toContain(`<data value="${png.toString('base64')}"/>`);
    const summary = JSON.parse((await get(`${place}?_summary=true`, fhirJson)).text);
    expect([summary.contentType, summary.data]).toEqual(['image/png', undefined]);
  });

  test.each([
    ['text/plain', ''],
    ['image/png;q=0', ''],
    [undefined, '?_format=image/jpeg'],
  ])('with 406 to Accept: %s and %s', async (accept, query) => {
    expectRefusal(await get(place + query, accept), 406);
  });

  test('with 304 to who has the version, and with the headers alone to HEAD', async () => {
    const known = await send('GET', place, undefined, { 'If-None-Match': 'W/"1"' });
    expect([known.status, known.text, known.headers.etag]).toEqual([304, '', 'W/"1"']);
    const { status, headers, text } = await send('HEAD', place);
    expect([status, headers['content-length'], text]).toEqual([200, String(png.length), '']);
  });

  test('as a stream of JSON where it is long, with the length that was said', async () => {
    const bytes = randomBytes(2_000_002);
    const answer = await get(await create(bytes, 'image/png'), fhirJson);
    expect(answer.headers['content-length']).toBe(String(answer.bytes.length));
    expect(JSON.parse(answer.text).data).toBe(bytes.toString('base64'));
  });

  test.each(['HEAD', 'GET'])('and lets go of the file when nobody reads on (%s)', async (method) => {
    const long = await create(Buffer.alloc(8_000_000, png), 'image/png');
    const { objectStore } = server.app.repository;
    const usual = objectStore.get;
    const { promise: isClosed, resolve: close } = Promise.withResolvers<void>();
    Object.assign(objectStore, {
      async *get(objectId: string) {
        try {
          yield* usual(objectId);
        } finally {
          close();
        }
      },
    });
    const answer = await start(method, long);
    answer.destroy();
    await isClosed;
    Object.assign(objectStore, { get: usual });
  });

  test('with 404 to another tenant', async () => {
    expectRefusal(await server.b.request('GET', place), 404);
    expectRefusal(await server.b.request('GET', `${place}/_history/1`), 404);
  });

  test('with 500 and no broken 200 when its content is gone', async () => {
    const lost = await create(png, 'image/png');
    const rows = await server.app.doors.tenantDoor(server.a.id, (trx) =>
      trx.query<{ object_id: string }>({
        text: 'SELECT object_id FROM resource WHERE id = $1',
        values: [lost.split('/')[2]],
      }),
    );
    await server.app.repository.objectStore.remove(rows[0]?.object_id as string);
    const answer = await get(lost);
    expect([answer.status, JSON.parse(answer.text).resourceType]).toEqual([500, 'OperationOutcome']);
  });
});

describe('a FHIR resource as a body', () => {
  test('is the same Binary: base64 without its white space, extensions and numbers as they were', async () => {
    const head = '"resourceType":"Binary","contentType":"text/plain","language":"en"';
    const meta = '"meta":{"extension":[{"url":"http://x.test/e","valueDecimal":1.10}]}';
    const body = Buffer.from(`{${head},${meta},"data":"SF BN\\nUw=="}`);
    const created = await send('POST', '/Binary', body, { 'Content-Type': fhirJson });
    expect(JSON.parse(created.text).data).toBe('SFBNUw==');
    expect((await get(placeOf(created))).text).toBe('HPMS');
    const again = await get(placeOf(created), fhirJson);
    expect(again.text).toBe(created.text);
    expect(again.text).toContain('"valueDecimal":1.10');
  });

  test('in XML, and with an Idempotency-Key once', async () => {
    const xml =
      '<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="SFBNUw=="/></Binary>';
    const sendXml = () => post(Buffer.from(xml), 'application/fhir+xml', { 'Idempotency-Key': 'binary-xml-1' });
    const [first, again] = [await sendXml(), await sendXml()];
    expect([first.status, again.headers.location]).toEqual([201, first.headers.location]);
    expect((await get(placeOf(first))).text).toBe('HPMS');
  });

  test('without data is a Binary, with what is no base64 it is refused', async () => {
    const bare = await server.a.request('POST', '/Binary', { resourceType: 'Binary', contentType: 'text/plain' });
    expect((await get(`/Binary/${bare.json.id}`)).text).toBe('');
    const wrong = { resourceType: 'Binary', contentType: 'text/plain', data: 'HPMS!' };
    expectRefusal(await server.a.request('POST', '/Binary', wrong), 422);
  });

  test('in a bundle is stored the same way, and entries, searches and histories show the resource', async () => {
    const data = Buffer.alloc(1_500_000, 'HPMS').toString('base64');
    const made = await sendBundle(server.a, 'transaction', [
      postEntry({ resourceType: 'Binary', contentType: 'text/plain', data }),
    ]);
    expect(statusesOf(made)).toEqual(['201']);
    const id = made.json.entry[0].response.location.split('/').at(-3);
    expect((await get(`/Binary/${id}`)).bytes.toString('base64')).toBe(data);
    const asked = await sendBundle(server.a, 'batch', [getEntry(`Binary/${id}`), getEntry(`Binary/${id}/_history/1`)]);
    expect(statusesOf(asked)).toEqual(['200', '200']);
    expect(asked.json.entry.map((entry: { resource: { data: string } }) => entry.resource.data === data)).toEqual([
      true,
      true,
    ]);
    const found = await server.a.request('GET', `/Binary?_id=${id}`);
    const history = await server.a.request('GET', `/Binary/${id}/_history`);
    expect([found, history].map(({ json }) => json.entry[0].resource.data === data)).toEqual([true, true]);
  });
});

describe('content that a browser might run', () => {
  test.each([
    ['text/html', '<script>alert(1)</script>'],
    ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['application/pdf', '<script>alert(1)</script>'],
  ])('%s is a download without scripts and without guessing (security.md 106)', async (type, text) => {
    const { headers, text: content } = await get(await create(Buffer.from(text), type), 'text/html,*/*;q=0.8');
    expect(content).toBe(text);
    expect(headers).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment',
      'content-security-policy': "default-src 'none'; sandbox",
    });
  });

  test.each(['text/html\nSet-Cookie: a=b', 'a', 'tëxt/plain'])('a contentType %j is 422', async (contentType) => {
    const answer = await server.a.request('POST', '/Binary', { resourceType: 'Binary', contentType, data: 'SFBNUw==' });
    expectRefusal(answer, 422);
    expect(answer.json.issue[0].expression).toEqual(['Binary.contentType']);
  });

  test.each(['pdf', 'json'])(
    'a contentType %j, which R4 has and HTTP has not, becomes no header',
    async (contentType) => {
      const made = await server.a.request('POST', '/Binary', { resourceType: 'Binary', contentType, data: 'SFBNUw==' });
      expect(made.status).toBe(201);
      const { headers, text } = await get(`/Binary/${made.json.id}`);
      expect([headers['content-type'], text]).toEqual(['application/octet-stream', 'HPMS']);
    },
  );
});

describe('securityContext', () => {
  let place: string;
  let stranger: TestClient;
  let reader: TestClient;
  beforeAll(async () => {
    place = await create(Buffer.from('report'), 'text/plain', { 'X-Security-Context': 'Patient/p1' });
    stranger = await clientOf(server, server.a, 'system/Binary.cruds');
    reader = await clientOf(server, server.a, 'system/Binary.rs system/Patient.r');
  });

  test('a Binary whose context the caller may not read is not there: security.md 110', async () => {
    expect((await reader.request('GET', place)).text).toBe('report');
    const missing = await stranger.request('GET', '/Binary/none');
    for (const path of [place, `${place}/_history/1`]) {
      for (const Accept of ['*/*', fhirJson]) {
        const hidden = await stranger.request('GET', path, undefined, { Accept });
        expectRefusal(hidden, 404);
        expect(hidden.text.replace(path.slice(8), 'none')).toBe(missing.text);
      }
    }
  });

  test('nor can it be changed or deleted, or a Binary put under it', async () => {
    const plain = { 'Content-Type': 'text/plain' };
    expectRefusal(await stranger.request('PUT', place, 'mine', plain), 404);
    expectRefusal(await stranger.request('DELETE', place), 404);
    expectRefusal(
      await stranger.request('POST', '/Binary', 'x', { ...plain, 'X-Security-Context': 'Patient/p1' }),
      403,
    );
    expect((await stranger.request('POST', '/Binary', 'x', plain)).status).toBe(201);
    expect((await get(place)).text).toBe('report');
  });

  test('a content cannot lose its context by a PUT that does not name it', async () => {
    const plain = { 'Content-Type': 'text/plain' };
    expectRefusal(await send('PUT', place, Buffer.from('x'), plain), 422);
    const kept = await send('PUT', place, Buffer.from('report'), { ...plain, 'X-Security-Context': 'Patient/p1' });
    expect(kept.status).toBe(200);
  });

  test('nor is it found by search, history or in a batch', async () => {
    const id = place.split('/')[2];
    const found = await stranger.request('GET', `/Binary?_id=${id}`);
    expect(found.json.entry ?? []).toEqual([]);
    expectRefusal(await stranger.request('GET', `${place}/_history`), 404);
    const bundle = { resourceType: 'Bundle', type: 'batch', entry: [getEntry(`Binary/${id}`)] };
    expect(statusesOf(await stranger.request('POST', '', bundle))).toEqual(['404']);
    expect((await reader.request('GET', `/Binary?_id=${id}`)).json.entry).toHaveLength(1);
  });
});

describe('60 MB', () => {
  const megabyte = randomBytes(1_000_000);
  const whole = createHash('sha256');
  for (let sent = 0; sent < 60; sent++) whole.update(megabyte);
  const digest = whole.digest('hex');
  /** What the server's own streams hold between socket and store, whatever the kernel buffers outside. */
  const underWayMax = 2_000_000;
  const onRequest = 'http.server.request.start';

  test('pass through in both directions while only a few are under way', async () => {
    let [receivedBytes, sentBytes] = [() => 0, () => 0];
    const take = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      const countSent = () => socket.bytesWritten - socket.writableLength;
      const [receivedBefore, sentBefore] = [socket.bytesRead, countSent()];
      receivedBytes = () => socket.bytesRead - receivedBefore;
      sentBytes = () => countSent() - sentBefore;
    };
    diagnostics.subscribe(onRequest, take);
    const parts = () => Array.from({ length: 60 }, () => megabyte);
    const { objectStore } = server.app.repository;
    const usual = { put: objectStore.put, get: objectStore.get };
    let [storedBytes, aheadMax, readBytes] = [0, 0, 0];
    Object.assign(objectStore, {
      put: (objectId: string, frames: AsyncIterable<Buffer>) =>
        usual.put(
          objectId,
          (async function* counted() {
            for await (const frame of frames) {
              storedBytes += frame.length;
              aheadMax = Math.max(aheadMax, receivedBytes() - storedBytes);
              yield frame;
            }
          })(),
        ),
      async *get(objectId: string) {
        for await (const piece of usual.get(objectId)) {
          readBytes += piece.length;
          aheadMax = Math.max(aheadMax, readBytes - sentBytes());
          yield piece;
        }
      },
    });
    const created = await send('POST', '/Binary', Readable.from(parts()), { 'Content-Type': 'video/mp4' });
    expect(created.status).toBe(201);
    expect(storedBytes).toBeGreaterThan(60_000_000);
    expect(aheadMax).toBeLessThan(underWayMax);

    let takenBytes = 0;
    aheadMax = 0;
    const hash = createHash('sha256');
    for await (const piece of await start('GET', placeOf(created))) {
      hash.update(piece as Buffer);
      takenBytes += (piece as Buffer).length;
      // A reader that takes its time: everybody else comes first.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    }
    expect([takenBytes, hash.digest('hex')]).toEqual([60_000_000, digest]);
    expect(aheadMax).toBeLessThan(underWayMax);
    diagnostics.unsubscribe(onRequest, take);
    Object.assign(objectStore, usual);
  });
});
