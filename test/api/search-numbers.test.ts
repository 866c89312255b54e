// Numbers, quantities, composites and positions on the real database over HTTP: https://hl7.org/fhir/R4/search.html#quantity

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildObservation } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';

const loinc = 'http://loinc.org';
const ucum = 'http://unitsofmeasure.org';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const put = (resource: object, tenant: TestTenant = server.a) => {
  const { resourceType, id } = resource as Resource;
  return tenant.request('PUT', `/${resourceType}/${id}`, resource);
};

async function found(path: string, tenant: TestTenant = server.a): Promise<string[]> {
  const answer = await tenant.request('GET', path, undefined, { Prefer: 'handling=strict' });
  expect([path, answer.status, answer.status === 200 ? '' : answer.text]).toEqual([path, 200, '']);
  return idsOf(answer).sort();
}

const idsOf = ({ json }: TestResponse): string[] => (json.entry ?? []).map(({ resource }: BundleEntry) => resource?.id);

const quantity = (value: number, code = 'mg/dL') => ({ value, unit: code, system: ucum, code });
const observation = (id: string, content: object) => {
  const { valueQuantity: _, ...rest } = buildObservation('Patient/n1') as Resource & { valueQuantity?: object };
  return { ...rest, id, ...content };
};
const coded = (code: string) => ({ coding: [{ system: loinc, code }] });

describe('quantities', () => {
  beforeAll(async () => {
    await put(observation('q1', { code: coded('2339-0'), valueQuantity: quantity(90) }));
    await put(observation('q2', { code: coded('2339-0'), valueQuantity: quantity(1.2, 'g/L') }));
    await put(observation('q3', { code: coded('2345-7'), valueQuantity: { value: 90, unit: 'apples' } }));
    await put(observation('q4', { code: coded('2345-7'), valueQuantity: { ...quantity(20), comparator: '<' } }));
    await put(observation('q5', { code: coded('2345-7'), valueString: 'none' }));
  });

  test.each([
    ['value-quantity=90', ['q1', 'q3']],
    [`value-quantity=90|${ucum}|mg/dL`, ['q1']],
    [`value-quantity=ge0.9|${ucum}|g/L`, ['q1', 'q2']],
    [`value-quantity=gt0.9|${ucum}|g/L`, ['q2']],
    [`value-quantity=lt100|${ucum}|mg/dL`, ['q1', 'q4']],
    ['value-quantity=90||apples', ['q3']],
    ['value-quantity=ne90', ['q2', 'q4']],
    [`value-quantity=gt50|${ucum}|mg/dL&value-quantity=lt100|${ucum}|mg/dL`, ['q1']],
    [`value-quantity=90,1.2`, ['q1', 'q2', 'q3']],
    ['value-quantity=ap95', ['q1', 'q3']],
    ['value-quantity=eb1000&code=2345-7', ['q3', 'q4']],
    [`code-value-quantity=2339-0$gt100|${ucum}|mg/dL`, ['q2']],
    [`code-value-quantity=${loinc}|2339-0$le90`, ['q1', 'q2']],
    [`code-value-quantity=${loinc}|2345-7$lt100|${ucum}|mg/dL`, ['q4']],
    ['code-value-quantity=http://other|2339-0$le90', []],
    [`combo-code-value-quantity=2339-0$90,2345-7$90`, ['q1', 'q3']],
    [`code-value-string=2345-7$non`, ['q5']],
  ])('%s', async (query, ids) => {
    expect(await found(`/Observation?${query.replaceAll('|', '%7C')}&subject=Patient/n1`)).toEqual(ids);
    expect(await found(`/Observation?${query.replaceAll('|', '%7C')}&_id=q1,q2,q3,q4,q5`)).toEqual(ids);
    const total = await server.a.request('GET', `/Observation?${query.replaceAll('|', '%7C')}&_summary=count`);
    expect(total.json.total).toBe(ids.length);
  });

  test.each([
    ['value-quantity po 90', ['q1', 'q3']],
    ['value-quantity po 15', ['q4']],
    [`value-quantity po 1.2|${ucum}|g/L`, ['q2']],
    [`value-quantity po 19.99|${ucum}|mg/dL`, ['q4']],
    [`value-quantity po 20.01|${ucum}|mg/dL`, []],
  ])('_filter=%s: values overlap with what is asked (search_filter.html)', async (text, ids) => {
    expect(await found(`/Observation?_filter=${encodeURIComponent(text)}&_id=q1,q2,q3,q4,q5`)).toEqual(ids);
  });

  test('pages of a search by number alone, in the order of the numbers', async () => {
    const first = await server.a.request('GET', '/Observation?value-quantity=gt0&_count=2');
    const next = first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    const second = await server.a.request('GET', next.slice(server.a.baseUrl.length));
    expect([idsOf(first), idsOf(second)]).toEqual([
      ['q4', 'q2'],
      ['q1', 'q3'],
    ]);
  });

  test('what an update or a delete takes away is not found any more', async () => {
    const query = `/Observation?value-quantity=77&_id=u1`;
    await put(observation('u1', { valueQuantity: quantity(77) }));
    expect(await found(query)).toEqual(['u1']);
    await put(observation('u1', { valueQuantity: quantity(78) }));
    expect(await found(query)).toEqual([]);
    await put(observation('u1', { valueQuantity: quantity(77) }));
    await server.a.request('DELETE', '/Observation/u1');
    expect(await found(query)).toEqual([]);
  });

  test('numbers and composites at the far end of a chain', async () => {
    await put({ resourceType: 'Patient', id: 'n1' });
    const has = (query: string) => found(`/Patient?_has:Observation:patient:${query.replaceAll('|', '%7C')}`);
    expect(await has(`code-value-quantity=${loinc}|2339-0$gt100|${ucum}|mg/dL`)).toEqual(['n1']);
    expect(await has('value-quantity=gt5000')).toEqual([]);
    expect(await has('combo-value-quantity=90||apples')).toEqual(['n1']);
    expect(await found('/Observation?value-quantity:missing=true&_id=q1,q5')).toEqual(['q5']);
  });

  test('digits beyond those of a double are stored and compared', async () => {
    const text = (value: string) =>
      JSON.stringify(observation('x1', { valueQuantity: { value: 0.5, unit: 'x' } })).replace('0.5', value);
    const asked = async () => [
      await found('/Observation?value-quantity=gt1.0000000000000000001&_id=x1'),
      await found('/Observation?value-quantity=lt1.0000000000000000003&_id=x1'),
    ];
    await server.a.request('PUT', '/Observation/x1', text('1.0000000000000000002'));
    expect(await asked()).toEqual([['x1'], ['x1']]);
    await server.a.request('PUT', '/Observation/x1', text('1.0000000000000000005'));
    expect(await asked()).toEqual([['x1'], []]);
    await server.a.request('PUT', '/Observation/x1', text('1.0'));
    expect(await asked()).toEqual([[], ['x1']]);
  });

  test.each(['value-quantity=high', 'value-quantity=5|a', 'code-value-quantity=a', 'value-quantity:exact=5'])(
    '%s is 400 and says why',
    async (query) => {
      const answer = await server.a.request('GET', `/Observation?${query}`, undefined, { Prefer: 'handling=strict' });
      expect(answer.status).toBe(400);
      expect(answer.json.issue[0].diagnostics).toContain(query.split('=')[0]);
    },
  );
});

describe('components', () => {
  const pressure = (id: string, systolic: number, diastolic: number) =>
    observation(id, {
      code: coded('85354-9'),
      component: [
        { code: coded('8480-6'), valueQuantity: quantity(systolic, 'mm[Hg]') },
        { code: coded('8462-4'), valueQuantity: quantity(diastolic, 'mm[Hg]') },
      ],
    });
  beforeAll(async () => {
    await put(pressure('c1', 150, 80));
    await put(pressure('c2', 120, 100));
  });

  test.each([
    [`component-code-value-quantity=${loinc}|8480-6$gt140`, ['c1']],
    [`component-code-value-quantity=8462-4$gt90|${ucum}|mm[Hg]`, ['c2']],
    ['component-code-value-quantity=8462-4$gt140', []],
    ['component-value-quantity=gt110', ['c1', 'c2']],
    ['component-value-quantity=150||mm[Hg]', ['c1']],
    [`combo-code-value-quantity=8480-6$le120||mm[Hg]`, ['c2']],
    [`component-code-value-quantity=${loinc}|8480-6$gt140&component-code-value-quantity=${loinc}|8462-4$lt90`, ['c1']],
    ['combo-value-quantity=ge100&code=85354-9', ['c1', 'c2']],
  ])('%s', async (query, ids) => {
    expect(await found(`/Observation?${query.replaceAll('|', '%7C')}`)).toEqual(ids);
  });
});

describe('numbers and positions', () => {
  test('probability of a RiskAssessment', async () => {
    const prediction = [{ probabilityDecimal: 0.25 }, { probabilityDecimal: 0.8 }];
    await put({
      resourceType: 'RiskAssessment',
      id: 'r1',
      status: 'final',
      subject: { reference: 'Patient/n1' },
      prediction,
    });
    expect(await found('/RiskAssessment?probability=gt0.7')).toEqual(['r1']);
    expect(await found('/RiskAssessment?probability=0.3')).toEqual(['r1']);
    expect(await found('/RiskAssessment?probability=gt0.8')).toEqual([]);
  });

  test('near gives the locations within the distance, exactly', async () => {
    await put({ resourceType: 'Location', id: 'l1', position: { latitude: 48.137, longitude: 11.575 } });
    await put({ resourceType: 'Location', id: 'l2', position: { latitude: 48.372, longitude: 10.898 } });
    expect(await found('/Location?near=48.372%7C10.898%7C55%7Ckm')).toEqual(['l2']);
    expect(await found('/Location?near=48.372%7C10.898%7C60%7Ckm')).toEqual(['l1', 'l2']);
    expect(await found('/Location?near=0%7C0')).toEqual([]);
    const cabinet = { resourceType: 'HealthcareService', id: 'h1', location: [{ reference: 'Location/l1' }] };
    await put(cabinet);
    expect(await found('/HealthcareService?location.near=48.1%7C11.5%7C20')).toEqual(['h1']);
    expect(await found('/HealthcareService?location.near=48.372%7C10.898%7C55')).toEqual([]);
  });
});

describe('tenants', () => {
  test('find their own values only, and store different keys for the same unit', async () => {
    await put({ ...observation('t1', { valueQuantity: quantity(555) }), subject: undefined }, server.b);
    expect(await found('/Observation?value-quantity=555')).toEqual([]);
    expect(await found('/Observation?value-quantity=555', server.b)).toEqual(['t1']);
    await put(observation('t1', { valueQuantity: quantity(555) }));
    const units = async (tenant: TestTenant) => {
      const rows = await server.app.doors.tenantDoor(
        tenant.id,
        (trx) =>
          trx.query<{ unit: string }>({ text: "SELECT unit::text FROM range_value WHERE id = 't1'", values: [] }),
        'read',
      );
      return rows.map(({ unit }) => unit);
    };
    const [a, b] = [await units(server.a), await units(server.b)];
    expect(a.length).toBeGreaterThan(1);
    expect(a.filter((unit) => b.includes(unit))).toEqual([]);
  });
});
