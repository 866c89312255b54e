// Formats over HTTP, both ways: https://hl7.org/fhir/R4/http.html#mime-type and https://hl7.org/fhir/R4/http.html#parameters

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseXml } from '../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../src/fhir/xml/serialize-xml.ts';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const seed = 20_260_731;
const definitions = loadDefinitions();
const json = 'application/fhir+json';
const xml = 'application/fhir+xml';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
}, 60_000);

afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const get = (path: string, headers: Record<string, string> = {}, tenant: TestTenant = server.a) =>
  tenant.request('GET', path, undefined, headers);
const contentOf = (text: string) => parseXml(text, definitions).value;
const typeOf = ({ headers }: { headers: Headers }) => headers.get('Content-Type');

/** As the client of the tests does not parse it. */
function head(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.origin}/t/clinic-a/fhir${path}`, {
    method: 'HEAD',
    headers: { Authorization: `Bearer ${server.a.token}`, 'Accept-Encoding': 'identity', ...headers },
  });
}

describe('an answer comes in the format that is asked for', () => {
  test.each([
    ['', `${json}; charset=utf-8`],
    ['*/*', `${json}; charset=utf-8`],
    [json, `${json}; charset=utf-8`],
    [`${json}; fhirVersion=4.0`, `${json}; charset=utf-8`],
    ['application/json', 'application/json; charset=utf-8'],
    ['text/json', 'text/json; charset=utf-8'],
    [xml, `${xml}; charset=utf-8`],
    ['application/xml', 'application/xml; charset=utf-8'],
    ['text/xml', 'text/xml; charset=utf-8'],
    [`${json};q=0.1, ${xml};q=0.2`, `${xml}; charset=utf-8`],
  ])('Accept: %s', async (accept, expected) => {
    const answer = await get('/Patient/known', { Accept: accept });
    expect(typeOf(answer)).toBe(expected);
    const expectedPatient = (await get('/Patient/known')).json;
    expect(answer.text.startsWith('<') ? contentOf(answer.text) : answer.json).toEqual(expectedPatient);
  });

  test.each(['xml', 'text/xml', 'application/xml', xml, `${xml};fhirVersion=4.0`])(
    '_format=%s wins over Accept',
    async (format) => {
      for (const text of [encodeURIComponent(format), format.replaceAll(';', '%3B')]) {
        const answer = await get(`/Patient/known?_format=${text}`, { Accept: json });
        expect([answer.status, typeOf(answer)]).toEqual([200, `${xml}; charset=utf-8`]);
      }
    },
  );

  test.each(['json', 'text/json', 'application/json', json])('_format=%s', async (format) => {
    const answer = await get(`/Patient/known?_format=${encodeURIComponent(format)}`, { Accept: xml });
    expect([answer.status, typeOf(answer)]).toEqual([200, `${json}; charset=utf-8`]);
  });

  test.each(['text/html', `${json};fhirVersion=3.0`, `${xml};charset=utf-16`, 'application/*;q=0'])(
    'Accept: %s is 406, in JSON',
    async (accept) => expectRefusal(await get('/Patient/known', { Accept: accept }), 406),
  );

  test.each(['html', 'text/turtle', '', `${json};fhirVersion=5.0`])('_format=%s is 406, in JSON', async (format) => {
    expectRefusal(await get(`/Patient/known?_format=${encodeURIComponent(format)}`), 406);
  });

  test('a search, a history and the metadata come in XML too', async () => {
    for (const path of ['/Patient?_id=known', '/Patient/known/_history', '/metadata']) {
      const answer = await get(path, { Accept: xml });
      expect([answer.status, typeOf(answer)]).toEqual([200, `${xml}; charset=utf-8`]);
      expect(contentOf(answer.text)).toMatchObject({
        resourceType: path === '/metadata' ? 'CapabilityStatement' : 'Bundle',
      });
    }
  });

  test('_format of a form counts as that of the URL', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await server.a.request('POST', '/Patient/_search', '_id=known&_format=xml', form);
    expect([answer.status, typeOf(answer)]).toEqual([200, `${xml}; charset=utf-8`]);
    const refused = await server.a.request('POST', '/Patient/_search', '_count=x&_format=xml', form);
    expect([refused.status, typeOf(refused)]).toEqual([400, `${xml}; charset=utf-8`]);
  });
});

describe('an error comes in the format that is asked for', () => {
  test.each([
    ['a resource that is not there', '/Patient/nobody', { Accept: xml }, 404],
    ['a type that is not there', '/Nothing/1', { Accept: xml }, 404],
    ['a path that is not there', '/Patient/a/b/c/d/e?_format=xml', {}, 404],
    ['no token', '/Patient/known', { Authorization: '', Accept: xml }, 401],
    ['a value that is wrong', '/Patient?_count=x&_format=xml', {}, 400],
  ])('%s', async (_, path, headers, status) => {
    const answer = await get(path, headers as Record<string, string>);
    expect([answer.status, typeOf(answer)]).toEqual([status, `${xml}; charset=utf-8`]);
    expect(contentOf(answer.text)).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'error' }] });
  });

  test("another tenant's resource is not there, in both formats", async () => {
    for (const accept of [json, xml]) {
      const foreign = await get('/Patient/known', { Accept: accept }, server.b);
      const never = await get('/Patient/never0', { Accept: accept }, server.b);
      expect(foreign.status).toBe(404);
      expect(foreign.text.replaceAll('known', 'never0')).toBe(never.text.replaceAll('known', 'never0'));
    }
  });
});

describe('a body comes in JSON or XML', () => {
  const patientXml = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>';
  const post = (body: string, type: string, headers: Record<string, string> = {}) =>
    server.a.request('POST', '/Patient', body, { 'Content-Type': type, ...headers });

  test.each([
    xml,
    'application/xml',
    'text/xml',
    'Application/FHIR+XML; charset=UTF-8',
    `${xml};fhirVersion=4.0`,
    `${xml}; charset="utf-8"`,
  ])('%s', async (type) => {
    const answer = await post(patientXml, type);
    expect([answer.status, answer.json?.active]).toEqual([201, true]);
  });

  test('a byte order mark is read over', async () => {
    expect((await post(`\ufeff${patientXml}`, xml)).status).toBe(201);
    expect((await post(`\ufeff${JSON.stringify(buildPatient())}`, json)).status).toBe(201);
  });

  test.each([
    `${json}; charset=iso-8859-1`,
    `${xml}; charset=utf-16`,
    `${json}; fhirVersion=3.0`,
    `${json}; fhirVersion=4.3`,
    'text/plain',
    'application/json-patch+json',
    '',
  ])('Content-Type: %s is 415, and Accept says what is read', async (type) => {
    const answer = await server.a.request('POST', '/Patient', JSON.stringify(buildPatient()), { 'Content-Type': type });
    expectRefusal(answer, 415);
    expect(answer.headers.get('Accept')).toContain(xml);
  });

  test('a patch of an unknown kind is 415 with Accept-Patch (RFC 5789 section 2.2)', async () => {
    const answer = await server.a.request('PATCH', '/Patient/known', '[]', { 'Content-Type': 'application/json' });
    expectRefusal(answer, 415);
    expect(answer.headers.get('Accept-Patch')).toContain('application/json-patch+json');
  });

  test('what is XML by its header must be XML, and the other way round', async () => {
    expectRefusal(await post(JSON.stringify(buildPatient()), xml), 400);
    expectRefusal(await post(patientXml, json), 400);
    expectRefusal(await post('', xml), 400);
  });

  test('no DTD is read (security.md 86)', async () => {
    const doctype = '<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>';
    expectRefusal(await post(`${doctype}${patientXml.replace('true', '&x;')}`, xml), 400);
  });

  test('a transaction in XML is answered in XML', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: buildPatient(), request: { method: 'POST', url: 'Patient' } }],
    };
    const headers = { 'Content-Type': xml, Accept: xml };
    const answer = await server.a.request('POST', '/', serializeXml(bundle, definitions), headers);
    expect(answer.status).toBe(200);
    expect(contentOf(answer.text)).toMatchObject({ type: 'transaction-response', entry: [{ response: {} }] });
  });
});

describe('for any resource JSON and XML have the same content', () => {
  const text = fc
    .string({ unit: fc.constantFrom(...'aZ0 <>&"\'äß漢\u{1F600}\t'), minLength: 1, maxLength: 20 })
    .filter((one) => one.trim() === one);
  const decimal = fc
    .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 3 }))
    .map(([whole, fraction, digits]) => `${whole}.${String(fraction).padStart(digits, '0')}`);
  const extension = fc.record({ url: fc.constant('http://example.org/x'), valueString: text });
  const observation = fc.record(
    {
      code: fc.record({
        text,
        coding: fc.array(fc.record({ system: fc.webUrl(), code: fc.constant('c') }), { minLength: 1 }),
      }),
      note: fc.array(fc.record({ text }), { minLength: 1, maxLength: 3 }),
      extension: fc.array(extension, { minLength: 1, maxLength: 2 }),
      effectiveDateTime: fc.constantFrom('2020', '2020-02', '2020-02-29', '2020-02-29T10:00:00.5+02:00'),
      _effectiveDateTime: fc.record({ extension: fc.array(extension, { minLength: 1, maxLength: 1 }) }),
      interpretation: fc.array(fc.record({ text }), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['code'] },
  );

  test('whichever way it came', async () => {
    await fc.assert(
      fc.asyncProperty(observation, decimal, fc.boolean(), async (parts, value, isXml) => {
        const resource = { resourceType: 'Observation', status: 'final', ...parts } as Observation;
        const number = { ...resource, valueQuantity: { value: 0.5 } };
        const numbers = new Map([['/valueQuantity/value', value]]);
        const body = isXml
          ? serializeXml({ ...number, valueQuantity: { value: Number(value) } }, definitions, numbers)
          : JSON.stringify(number).replace('"value":0.5}', `"value":${value}}`);
        const made = await server.a.request('POST', '/Observation', body, { 'Content-Type': isXml ? xml : json });
        expect(made.status).toBe(201);
        const path = `/Observation/${made.json.id}`;
        const [asJson, asXml] = [await get(path), await get(path, { Accept: xml })];
        expect(asJson.text).toContain(`"value":${value}`);
        expect(asXml.text).toContain(`value="${value}"`);
        expect(asJson.json).toMatchObject(resource);
        expect(contentOf(asXml.text)).toEqual(asJson.json);
        expect(contentOf((await get(`${path}?_pretty=true&_format=xml`)).text)).toEqual(asJson.json);
        expect((await get(`${path}?_pretty=true`)).json).toEqual(asJson.json);
      }),
      { seed, numRuns: 40 },
    );
  });
});

describe('_pretty, _summary and _elements', () => {
  test('of a read, a version and a history', async () => {
    expect((await get('/Patient/known?_pretty=true')).text).toContain('\n  "resourceType": "Patient"');
    expect((await get('/Patient/known?_pretty=true&_format=xml')).text).toMatch(/\n +<gender value="female"\/>/);
    expect((await get('/Patient/known/_history/1?_elements=gender')).json).not.toHaveProperty('name');
    const { entry } = (await get('/Patient/known/_history?_summary=text')).json;
    expect(entry[0].resource).not.toHaveProperty('gender');
    expect(entry[0].resource.meta.tag).toHaveLength(1);
  });

  test('of what a write answers, while the whole is stored', async () => {
    const made = await server.a.request('POST', '/Patient?_elements=gender', buildPatient());
    expect([made.status, made.json.gender, made.json.name]).toEqual([201, 'female', undefined]);
    const stored = (await get(`/Patient/${made.json.id}`)).json;
    expect(stored).toMatchObject(buildPatient());
    expect(stored.meta.tag).toBeUndefined();
  });

  test('a search is made smaller once', async () => {
    const { entry } = (await get('/Patient?_id=known&_summary=true&_format=json')).json;
    expect(entry[0].resource.meta.tag).toHaveLength(1);
  });

  test.each(['_summary=count', '_summary=x', '_elements=', '_pretty=x'])('%s is 400 for a read', async (query) => {
    expectRefusal(await get(`/Patient/known?${query}`), 400);
  });
});

describe('HEAD is GET without a body (RFC 9110 section 9.3.2)', () => {
  test('of a read has the length of its bytes', async () => {
    const { text, headers } = await get('/Patient/known');
    const answer = await head('/Patient/known');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Length')).toBe(String(Buffer.byteLength(text)));
    expect(answer.headers.get('ETag')).toBe(headers.get('ETag'));
    expect(await answer.text()).toBe('');
  });

  test.each([
    '/Patient/known?_format=xml',
    '/Patient',
    '/Patient/known/_history',
    '/Patient/known/_history/1',
    '/metadata',
  ])('of %s', async (path) => {
    const answer = await head(path);
    expect([answer.status, typeOf(answer)]).toEqual([200, typeOf(await get(path))]);
    expect(await answer.text()).toBe('');
  });

  test('of what is not there', async () => expect((await head('/Patient/nobody')).status).toBe(404));
});
