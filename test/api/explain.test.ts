// `$explain` over HTTP: what a search would do, for administrators, without its values and without other tenants' data.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { getEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const validate = createValidator(loadDefinitions());

async function explained(path: string, tenant: TestTenant = server.a): Promise<Parameters> {
  const answer = await tenant.request('GET', path);
  expect([path, answer.status, answer.status === 200 ? '' : answer.text]).toEqual([path, 200, '']);
  return answer.json;
}

const partsOf = ({ parameter = [] }: Parameters, name: string) => parameter.filter((one) => one.name === name);
const codesOf = ({ part = [] }: ParametersParameter, name: string) =>
  part.filter((one) => one.name === name).map(({ valueCode, valueString }) => valueCode ?? valueString);
const purposesOf = (json: Parameters) => partsOf(json, 'statement').flatMap((one) => codesOf(one, 'purpose'));
const shapesOf = (json: Parameters) => partsOf(json, 'statement').flatMap((one) => codesOf(one, 'shape'));
const answersOf = (json: Parameters) =>
  Object.fromEntries(
    partsOf(json, 'parameter').map((one) => [codesOf(one, 'name')[0], codesOf(one, 'answeredBy').join(' ')]),
  );
const issuesOf = (json: Parameters) => {
  const [outcome] = partsOf(json, 'outcome').map(({ resource }) => resource);
  return outcome?.resourceType === 'OperationOutcome' ? outcome.issue : [];
};

describe('the answer', () => {
  const query = 'family=Geheim&birthdate=ge1980&gender=female&_content=verborgen&_sort=family&_count=7&foo=Heimlich';

  test('says how each parameter is answered, and which is left out', async () => {
    const json = await explained(`/Patient/$explain?${query}`);
    expect(validate(json)).toEqual([]);
    expect(answersOf(json)).toEqual({
      family: 'index',
      birthdate: 'index',
      gender: 'index',
      _content: 'recheck',
      _sort: 'answer',
      _count: 'answer',
      foo: 'refused',
    });
    expect(issuesOf(json).map(({ severity, code }) => [severity, code])).toEqual([['warning', 'not-supported']]);
    const bounds = partsOf(json, 'bound').map(({ part = [] }) => [part[0]?.valueString, part[1]?.valueInteger]);
    expect(bounds).toContainEqual(['candidates, gathered or opened', 5000]);
    expect(bounds).toContainEqual(['matches opened to be sorted', 1000]);
  });

  test('repeats no value of the search, and holds neither tokens nor results', async () => {
    await server.a.request('POST', '/Patient', buildPatient({ name: [{ family: 'Geheim' }], birthDate: '1981-02-03' }));
    const { text } = await server.a.request('GET', `/Patient/$explain?${query}`);
    expect(text).not.toMatch(/Geheim|verborgen|1980|1981|Heimlich|actual/i);
    // Eight bytes of an HMAC are a number of up to nineteen digits.
    expect(text).not.toMatch(/\d{12,}/);
    expect(text).toMatch(/tokens @> \$\d/);
    const [understood] = partsOf(JSON.parse(text), 'understood');
    expect(understood?.valueString).toBe(
      `${server.a.baseUrl}/Patient?family=…&birthdate=…&gender=…&_content=…&_sort=family&_count=7`,
    );
  });

  test('leaves an AuditEvent that says who asked what of which type, by the names of the parameters', async () => {
    const other = await clientOf(server, server.a, 'system/*.cruds', ['clinic-admin']);
    await other.request('GET', `/Encounter/$explain?_id=geheim&status=planned`);
    const { json } = await server.a.request('GET', '/AuditEvent?subtype=operation&_count=100');
    const events = (json as Bundle<AuditEvent>).entry?.map(({ resource }) => resource) ?? [];
    const own = events.filter((event) => event?.agent[0]?.who?.reference === `Device/${other.clientId}`);
    expect(own.map((event) => atob(event?.entity?.[0]?.query ?? ''))).toEqual(['GET Encounter/$explain?_id&status']);
    expect(own.flatMap((event) => event && validate(event))).toEqual([]);
    const elsewhere = await server.b.request('GET', '/AuditEvent?subtype=operation');
    expect(elsewhere.json.entry ?? []).toEqual([]);
  });

  test('is the same by POST, in a batch, and in XML', async () => {
    const json = await explained(`/Patient/$explain?${query}`);
    const body = { resourceType: 'Parameters', parameter: [{ name: 'query', valueString: query }] };
    expect((await server.a.request('POST', '/Patient/$explain', body)).json).toEqual(json);
    const batch = await sendBundle(server.a, 'batch', [getEntry(`Patient/$explain?${query}`)]);
    expect(statusesOf(batch)).toEqual(['200']);
    expect(batch.json.entry[0].resource).toEqual(json);
    const xml = await server.a.request('GET', '/Patient/$explain?family=a&_format=xml');
    expect([xml.status, xml.text]).toEqual([200, expect.stringContaining('<name value="statement"/>')]);
  });

  test('counts with estimates of one digit, for finer ones would tell how much other tenants have', async () => {
    const { text } = await server.a.request('GET', `/Patient/$explain?${query}&_total=accurate`);
    const numbers = [...text.matchAll(/"valueDecimal":([\d.]+)/g)].map(([, number = '']) => number);
    expect(numbers.length).toBeGreaterThan(20);
    for (const number of numbers) expect(number.replace(/^0\.0*|\.|0+$/g, '')).toMatch(/^\d?$/);
  });
});

describe('each statement that the search would send', () => {
  test('of a page found by an index, and of what comes instead when that finds too much', async () => {
    const json = await explained('/Patient/$explain?family=a');
    expect(purposesOf(json)).toEqual(['page', 'total', 'fallback']);
    expect(shapesOf(json)).toEqual(['candidates-first', 'plain', 'walk']);
  });

  test('of a walk in the order of the page', async () => {
    const json = await explained('/Patient/$explain?_sort=-_lastUpdated&_total=none');
    expect([purposesOf(json), shapesOf(json)]).toEqual([['page'], ['walk']]);
    expect(partsOf(json, 'statement').flatMap((one) => codesOf(one, 'startsFrom'))).toEqual(['resource_last_updated']);
  });

  test('of links, from what is linked back, with the part that is decided ahead', async () => {
    const json = await explained('/Observation/$explain?subject:Patient.name:contains=ab&_total=none');
    expect(answersOf(json)['subject:Patient.name:contains']).toBe('index recheck');
    expect(purposesOf(json).slice(0, 2)).toEqual(['part', 'page']);
    expect(shapesOf(json)[1]).toBe('linked-sets-first');
  });

  test('of what is included in further rounds, and of an exact total', async () => {
    const json = await explained('/Observation/$explain?_include:iterate=Observation:subject&code=a&_total=accurate');
    expect(new Set(purposesOf(json))).toEqual(new Set(['page', 'include', 'total', 'fallback']));
    expect(partsOf(json, 'total')[0]?.valueCode).toBe('accurate');
  });

  test('of a search that only counts (`_summary=count`)', async () => {
    expect(purposesOf(await explained('/Patient/$explain?family=a&_summary=count'))).toEqual(['total']);
  });

  test('of all types, of a compartment, and of one type in it', async () => {
    const all = await explained('/$explain?_lastUpdated=gt2020');
    expect(purposesOf(all)).toEqual(expect.arrayContaining(['other', 'page']));
    const everything = await explained('/Patient/p/$explain?_lastUpdated=gt2020');
    expect(shapesOf(everything)[0]).toBe('references');
    const body = (type: string) => ({
      resourceType: 'Parameters',
      parameter: [
        { name: 'query', valueString: 'code=a' },
        { name: 'type', valueCode: type },
      ],
    });
    const { json } = await server.a.request('POST', '/Patient/p/$explain', body('Observation'));
    expect(partsOf(json, 'understood')[0]?.valueString).toBe(`${server.a.baseUrl}/Patient/p/Observation?code=…`);
    expect(shapesOf(json)[0]).toBe('candidates-first');
    expectRefusal(await server.a.request('POST', '/Patient/p/$explain', body('Organization')), 404);
    expectRefusal(await server.a.request('GET', '/Organization/o/$explain?name=a'), 404);
  });
});

const sampleValues: Readonly<Record<string, string>> = {
  ...{ token: 'a', string: 'abc', date: '2024-05-01', reference: 'Patient/p', number: '5', quantity: '5' },
  ...{ uri: 'urn:a', special: '1|2|3|km' },
};

test.each(['Patient', 'Observation', 'Appointment', 'Invoice', 'AuditEvent'])(
  'no search of %s by one parameter reads a table from end to end',
  async (type) => {
    const { json } = await server.a.request('GET', '/metadata');
    const { searchParam } = json.rest[0].resource.find((one: { type: string }) => one.type === type);
    for (const { name, type: kind } of searchParam) {
      if (kind === 'composite' || name === '_text' || name === '_content') continue;
      const answer = await explained(`/${type}/$explain?${name}=${encodeURIComponent(sampleValues[kind] ?? '')}`);
      expect([name, issuesOf(answer)]).toEqual([name, []]);
      const scanned = partsOf(answer, 'statement').flatMap((one) => codesOf(one, 'sequentialScan'));
      expect([name, purposesOf(answer).includes('page'), scanned]).toEqual([name, true, []]);
    }
  },
  60_000,
);

describe('who may', () => {
  test('an administrator, who holds a role with op:admin', async () => {
    const client = await clientOf(server, server.a, 'system/Patient.rs', ['clinic-admin']);
    expect((await client.request('GET', '/Patient/$explain?family=a')).status).toBe(200);
  });

  test.each(['system/*.rs', 'system/*.cruds', 'system/Patient.cruds'])('nobody with %s alone', async (scope) => {
    const client = await clientOf(server, server.a, scope);
    for (const path of ['/Patient/$explain?family=a', '/$explain', '/Patient/p/$explain']) {
      expectRefusal(await client.request('GET', path), 403);
    }
  });

  test('a tenant learns nothing of another: the plan is the same, whatever they have', async () => {
    const { json } = await server.a.request('POST', '/Patient', buildPatient({ name: [{ family: 'Nurbeia' }] }));
    for (const path of [
      `/Patient/$explain?_id=${json.id}`,
      '/Patient/$explain?family=Nurbeia',
      `/Patient/${json.id}/$explain`,
    ]) {
      const [a, b] = [await server.a.request('GET', path), await server.b.request('GET', path)];
      expect(b.status).toBe(200);
      expect(b.text).toBe(a.text.replaceAll(server.a.baseUrl, server.b.baseUrl));
    }
  });
});

describe('a search that would be refused is explained with the reason', () => {
  test.each([
    ['birthdate=yesterday', 'birthdate'],
    ['family=a&_sort=_id&_count=x', '_count'],
    ['_has:Observation:subject:code:in=http://example.org/none', '_has:Observation:subject:code:in'],
  ])('%s', async (query) => {
    const json = await explained(`/Patient/$explain?${query}`);
    expect(issuesOf(json).map(({ severity }) => severity)).toEqual(['error']);
    expect(partsOf(json, 'statement')).toEqual([]);
    expect(partsOf(json, 'understood')).toEqual([]);
  });

  test('with that of the parameter beside it', async () => {
    const json = await explained('/Patient/$explain?family=a&birthdate=yesterday');
    expect(answersOf(json)).toEqual({ family: 'index', birthdate: 'refused' });
  });
});

describe('hostile searches are bounded', () => {
  const chain = 'general-practitioner:Practitioner.'.repeat(1);
  const many = (count: number, pair: string) => Array.from({ length: count }, () => pair).join('&');
  const queries = [
    many(101, 'family=a'),
    many(100, 'family:contains=ab'),
    many(11, '_has:Observation:patient:code=a'),
    `${chain}name:contains=a`,
    `family=${Array.from({ length: 501 }, () => 'a').join(',')}`,
    `_filter=${'('.repeat(200)}family eq "a"${')'.repeat(200)}`,
    `"; DROP TABLE resource; --=1&${encodeURIComponent('a$1$$')}=2`,
    '_cursor=AAAA',
    many(20, `family:contains=${Array.from({ length: 400 }, (_, n) => `abc${n}`).join(',')}`),
    many(20, `birthdate=${Array.from({ length: 400 }, (_, n) => `ge${1000 + n}`).join(',')}`),
    '_include=*&_revinclude=*&_include:iterate=*&_revinclude:iterate=*&_count=1000',
  ];

  test.each(queries.map((query) => [query.slice(0, 40), query] as const))('%s', async (_, query) => {
    const body = { resourceType: 'Parameters', parameter: [{ name: 'query', valueString: query }] };
    const answer: TestResponse = await server.a.request('POST', '/Patient/$explain', body);
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
    expect(partsOf(answer.json, 'parameter').length).toBeLessThanOrEqual(100);
    expect(partsOf(answer.json, 'statement').length).toBeLessThanOrEqual(20);
    expect(answer.text.length).toBeLessThan(500_000);
    expect(answer.text).not.toContain('DROP TABLE');
  });

  test('a query of more than 100,000 characters is refused', async () => {
    const parameter = [{ name: 'query', valueString: `family=${'a'.repeat(100_000)}` }];
    const answer = await server.a.request('POST', '/Patient/$explain', { resourceType: 'Parameters', parameter });
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].code).toBe('too-costly');
  });
});
