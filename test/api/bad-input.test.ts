// Bad bodies, headers and URLs: always a 4xx with an OperationOutcome, never the end of anything: https://hl7.org/fhir/R4/http.html#Status-Codes

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rawRequest, sendRaw } from '../http/raw-request.ts';
import { buildPatient } from '../support/builders.ts';
import { send, startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
/** Whatever came before, the server goes on answering, and nothing was a failure of its own. */
afterEach(async () => {
  expect((await send(`${server.origin}/healthz`, 'GET')).status).toBe(200);
  expectNoFailure(server.logLines);
});
afterAll(() => server.close());

const post = (body: string, headers?: Record<string, string>) => server.a.request('POST', '/Patient', body, headers);
const patient = JSON.stringify(buildPatient());
/** Megabytes of spaces, one after the other. */
function pieces(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent++ < count) controller.enqueue(new Uint8Array(1_000_000).fill(0x20));
      else controller.close();
    },
  });
}
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

describe('a body that is no JSON (RFC 8259)', () => {
  test.each([
    ['text', 'hello'],
    ['a cut off object', patient.slice(0, -1)],
    ['a cut off string', patient.slice(0, 30)],
    ['two values', patient + patient],
    ['a trailing comma', '{"resourceType":"Patient",}'],
    ['single quotes', "{'resourceType':'Patient'}"],
    ['a comment', `/* */${patient}`],
    ['NaN', '{"resourceType":"Patient","multipleBirthInteger":NaN}'],
    ['Infinity', '{"resourceType":"Patient","multipleBirthInteger":Infinity}'],
    ['a leading zero', '{"resourceType":"Patient","multipleBirthInteger":01}'],
    ['a number out of range (security.md 84)', '{"resourceType":"Patient","multipleBirthInteger":1e400}'],
    [
      'a number of 10,000 digits (security.md 84)',
      `{"resourceType":"Patient","multipleBirthInteger":${'9'.repeat(10_000)}}`,
    ],
    ['a raw line feed in a string', '{"resourceType":"Patient","id":"a\nb"}'],
    ['a lone surrogate (security.md 77)', '{"resourceType":"Patient","id":"\\ud800"}'],
    ['U+0000', '{"resourceType":"Patient","id":"\\u0000"}'],
    ['an unknown escape', '{"resourceType":"Patient","id":"\\x41"}'],
    ['nothing but spaces', '  \n '],
    ['duplicate keys (security.md 83)', '{"resourceType":"Patient","active":true,"active":false}'],
    ['duplicate keys, one escaped', '{"resourceType":"Patient","active":true,"\\u0061ctive":false}'],
    ['duplicate keys deep inside', '{"resourceType":"Patient","name":[{"given":["a"],"given":["b"]}]}'],
    ['the key __proto__ (security.md 81)', '{"resourceType":"Patient","__proto__":{"polluted":1}}'],
    ['nesting beyond 64 (security.md 82)', nested(65, '[', ']')],
    ['nesting of objects beyond 64', nested(65, '{"a":', '}').replace('}', '1}')],
    ['200,000 open brackets (security.md 82)', '['.repeat(200_000)],
  ])('%s is 400 and names the place', async (_, body) => {
    const answer = await post(body);
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].diagnostics).toMatch(/line \d+, column \d+/);
  });

  test('an empty body is 400', async () => expectRefusal(await post(''), 400));

  test.each([
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['half a character at the end', Buffer.concat([Buffer.from(patient.slice(0, -1)), Buffer.from([0xc3])])],
    ['UTF-16', Buffer.from(patient, 'utf16le')],
  ])('%s is 400', async (_, body) => {
    const head = ['POST /t/clinic-a/fhir/Patient HTTP/1.1', `Authorization: Bearer ${server.a.token}`];
    const type = 'Content-Type: application/fhir+json';
    const answer = await sendRaw(server.origin, rawRequest([...head, type, `Content-Length: ${body.length}`], body));
    expectRefusal({ status: answer.status, text: answer.body }, 400);
  });
});

describe('a body that is no resource of the URL', () => {
  test.each([
    ['a list', '[]'],
    ['a list of resources', `[${patient}]`],
    ['null', 'null'],
    ['a number', '7'],
    ['a text', '"Patient"'],
    ['an empty object', '{}'],
    ['another resourceType', '{"resourceType":"Observation"}'],
    ['a resourceType that is none', '{"resourceType":"Patienten"}'],
    ['a resourceType that is a list', '{"resourceType":["Patient"]}'],
    ['a resourceType in another case', '{"resourceType":"patient"}'],
    ['a resourceType with a space', '{"resourceType":"Patient "}'],
  ])('%s is 400', async (_, body) => expectRefusal(await post(body), 400));

  test.each([
    ['an unknown element', { unknown: 1 }, 'Patient.unknown'],
    ['constructor and prototype (security.md 81)', { constructor: { prototype: { polluted: 1 } } }, 'Patient'],
    ['toString', { toString: 1 }, 'Patient'],
    ['hasOwnProperty', { hasOwnProperty: true }, 'Patient'],
    ['a list where one value belongs', { active: [true] }, 'Patient.active'],
    ['one value where a list belongs', { name: { family: 'x' } }, 'Patient.name'],
    ['null', { active: null }, 'Patient.active'],
    ['an empty list', { name: [] }, 'Patient.name'],
    ['an empty object', { name: [{}] }, 'Patient.name[0]'],
    ['an empty text', { name: [{ family: '' }] }, 'Patient.name[0].family'],
    ['a number for a text', { name: [{ family: 7 }] }, 'Patient.name[0].family'],
    ['a date that does not exist', { birthDate: '2026-02-30' }, 'Patient.birthDate'],
    ['a code that is none', { gender: 'm' }, 'Patient.gender'],
    ['a meta that is a text', { meta: 'x' }, 'Patient.meta'],
    ['a meta that is a number', { meta: 7 }, 'Patient.meta'],
    ['a meta that is a list', { meta: [] }, 'Patient.meta'],
    ['a meta with an unknown element', { meta: { tenant: 'clinic-b' } }, 'Patient.meta.tenant'],
    ['a contained resource of no type', { contained: [{ resourceType: 'Nothing' }] }, 'Patient.contained[0]'],
    ['a contained resource of type __proto__', { contained: [{ resourceType: '__proto__' }] }, 'Patient.contained[0]'],
    [
      'a contained resource of type constructor',
      { contained: [{ resourceType: 'constructor' }] },
      'Patient.contained[0]',
    ],
    ['a contained null', { contained: [null] }, 'Patient.contained[0]'],
  ])('%s is 422 or 400 and names the element', async (_, extra, element) => {
    const answer = await post(JSON.stringify({ ...buildPatient(), ...extra }));
    expectRefusal(answer, [400, 422]);
    expect(answer.json.issue[0].expression[0].startsWith(element)).toBe(true);
  });

  test.each(['1.0', '1e0'])(
    'an integer written as %s is 422: JSON would keep it, R4 has no such integer',
    async (text) => {
      const answer = await post(`{"resourceType":"Patient","multipleBirthInteger":${text}}`);
      expectRefusal(answer, 422);
      expect(answer.json.issue[0].expression).toEqual(['Patient.multipleBirth']);
    },
  );

  test('no body has changed a prototype (security.md 81)', () => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('a thousand faults are answered by some of them', async () => {
    const extra = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`x${n}`, n]));
    const answer = await post(JSON.stringify({ ...buildPatient(), ...extra }));
    expectRefusal(answer, [400, 422]);
    expect(answer.json.issue.length).toBeLessThanOrEqual(100);
  });

  test("no error repeats a value: it may be a patient's", async () => {
    const secret = 'Geheimnis-4711';
    for (const extra of [
      { gender: secret },
      { birthDate: secret },
      { [secret]: 1 },
      { name: secret },
      { active: secret },
    ]) {
      const answer = await post(JSON.stringify({ ...buildPatient(), ...extra }));
      expectRefusal(answer, [400, 422]);
      expect(answer.text).not.toContain(secret);
    }
    expect((await post(`{"resourceType":"Patient",${secret}}`)).text).not.toContain(secret);
    expect(server.logLines.join()).not.toContain(secret);
  });
});

describe('a body over the limit is 413 (security.md 85)', () => {
  test('by its Content-Length before it is read, and the connection is closed', async () => {
    const head = ['POST /t/clinic-a/fhir/Patient HTTP/1.1', `Authorization: Bearer ${server.a.token}`];
    const lines = [...head, 'Content-Type: application/fhir+json', 'Content-Length: 64000001'];
    const answer = await sendRaw(server.origin, rawRequest(lines, '{'));
    expectRefusal({ status: answer.status, text: answer.body }, 413);
    expect(answer.closed).toBe(true);
  });

  test.each([
    ['in one piece', () => new Uint8Array(65_000_000).fill(0x20)],
    ['in chunks', () => pieces(65)],
  ])('%s, and the client gets the answer although it was still sending', async (_, body) => {
    const answer = await fetch(`${server.origin}/t/clinic-a/fhir/Patient`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.a.token}`, 'Content-Type': 'application/fhir+json' },
      body: body(),
      duplex: 'half',
    });
    expectRefusal({ status: answer.status, text: await answer.text() }, 413);
  });

  test('a body compressed twice, or in a way nobody reads, is 415, whatever it would become', async () => {
    for (const encoding of ['gzip, gzip', 'br, gzip', 'zstd', 'x']) {
      expectRefusal(await post(patient, { 'Content-Encoding': encoding }), 415);
    }
    expect((await post(patient, { 'Content-Encoding': 'identity' })).status).toBe(201);
  });
});

describe('content negotiation (http.html#mime-type)', () => {
  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'json2', ';'])(
    'a body of type %s is 415',
    async (type) => expectRefusal(await post(patient, { 'Content-Type': type }), 415),
  );

  test.each([
    'application/fhir+json',
    'application/json',
    'Application/FHIR+JSON; charset=UTF-8',
    'application/fhir+json;fhirVersion=4.0',
  ])('a body of type %s is read', async (type) =>
    expect((await post(patient, { 'Content-Type': type })).status).toBe(201),
  );

  test.each(['text/html', 'image/*', 'application/json2', ',', 'q=1'])('Accept: %s is 406', async (accept) => {
    expectRefusal(await server.a.request('GET', '/Patient/x', undefined, { Accept: accept }), 406);
  });

  test('Accept of 10,000 entries is refused (security.md 91)', async () => {
    const accept = Array.from({ length: 1_000 }, (_, n) => `a/b${n}`).join(',');
    expectRefusal(await server.a.request('GET', '/Patient/x', undefined, { Accept: accept }), [400, 406]);
  });

  test.each(['html', 'text/turtle', 'application/fhir%2Bjson%0d%0aX:1', ''])('_format=%s is 406', async (format) => {
    expectRefusal(await server.a.request('GET', `/Patient/x?_format=${format}`), 406);
  });

  test('_format wins over Accept', async () => {
    const answer = await server.a.request('GET', '/Patient/x?_format=json', undefined, { Accept: 'text/html' });
    expect(answer.status).toBe(404);
  });
});

describe('headers with values that mean nothing', () => {
  test.each([
    ['If-Match', 'nothing', 400],
    ['If-Match', 'W/"1", W/"2"', 412],
    ['If-Match', `W/"${'9'.repeat(1_000)}"`, 400],
    ['If-Match', 'W/"-1"', 400],
    ['Idempotency-Key', 'ü', 400],
    ['Idempotency-Key', 'x'.repeat(256), 400],
    ['If-None-Exist', 'nonsense=x', 400],
  ])('%s: %s is %i', async (name, value, status) => {
    const create = name !== 'If-Match';
    const answer = await server.a.request(
      create ? 'POST' : 'PUT',
      create ? '/Patient' : '/Patient/if-match',
      { ...buildPatient(), id: 'if-match' },
      { [name]: value },
    );
    expectRefusal(answer, status);
  });
});
