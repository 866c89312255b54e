// Modifiers of strings, tokens, uris and canonicals, and word search, over HTTP: https://hl7.org/fhir/R4/search.html#modifiers

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const strict = { Prefer: 'handling=strict' };

async function put(resource: object): Promise<void> {
  const { resourceType, id } = resource as Resource;
  const { status, text } = await server.a.request('PUT', `/${resourceType}/${id}`, resource);
  expect([status, status < 300 ? '' : text]).toEqual([201, '']);
}

async function found(path: string, tenant = server.a): Promise<string[]> {
  const { status, json, text } = await tenant.request('GET', path, undefined, strict);
  expect([path, status, status === 200 ? '' : text]).toEqual([path, 200, '']);
  return (json.entry ?? []).map((entry: BundleEntry) => entry.resource?.id).sort();
}

async function refused(path: string): Promise<{ code: string; diagnostics: string }> {
  const { status, json } = await server.a.request('GET', path, undefined, strict);
  expect([path, status]).toEqual([path, 400]);
  return json.issue[0];
}

describe(':contains (search.html#string)', () => {
  beforeAll(async () => {
    const address = [{ line: ['12 Birch Road'], city: 'Zürich', postalCode: '8001' }];
    await put({ ...buildPatient({ name: [{ family: 'Größer-Łukasz', given: ['Anna Maria'] }], address }), id: 'c1' });
    await put({ ...buildPatient({ name: [{ text: 'Hannah Grosse', family: 'Grosse' }] }), id: 'c2' });
    await put({ ...buildPatient({ name: [{ family: '李', given: ['小龙'] }] }), id: 'c3' });
  });

  test.each([
    ['name:contains=osse', ['c1', 'c2']],
    ['family:contains=ÖSSER', ['c1']],
    ['family:contains=ser-luk', ['c1']],
    ['given:contains=osser', []],
    ['name:contains=anna', ['c1', 'c2']],
    ['given:contains=anna', ['c1']],
    ['given:contains=na ma', ['c1']],
    ['name:contains=maria anna', []],
    ['name:contains=kasz,hann', ['c1', 'c2']],
    ['address:contains=ric', ['c1']],
    ['address-city:contains=ric', ['c1']],
    ['address-city:contains=birch', []],
    ['address:contains=800', ['c1']],
    ['name:contains=小龙', ['c3']],
    ['name:contains=龙&family=李', ['c3']],
    ['name:contains=an&gender=female&family=grosse', ['c1', 'c2']],
    ['name:contains=zzz', []],
  ])('%s', async (query, expected) => {
    expect(await found(`/Patient?_id=c1,c2,c3&${query}`)).toEqual(expected);
    expect(await found(`/Patient?${query}`)).toEqual(expected);
  });

  test('name and its parts are found by prefix and exactly, wherever the words are stored', async () => {
    expect(await found('/Patient?name=gros')).toEqual(['c1', 'c2']);
    expect(await found('/Patient?name=gros anna')).toEqual(['c1']);
    expect(await found('/Patient?name=gros anna,hannah grosse')).toEqual(['c1', 'c2']);
    expect(await found('/Patient?name:exact=Grosse')).toEqual(['c2']);
    expect(await found('/Patient?name:exact=Hannah Grosse')).toEqual(['c2']);
    expect(await found('/Patient?family:exact=Hannah Grosse')).toEqual([]);
    expect(await found('/Patient?address=zur birch')).toEqual(['c1']);
    expect(await found('/Patient?address-city=birch')).toEqual([]);
  });

  test('nothing of another tenant is found', async () => {
    expect(await found('/Patient?name:contains=osse', server.b)).toEqual([]);
    expect(await found('/Patient?_content=zurich', server.b)).toEqual([]);
  });

  test('a value without a letter or digit is refused', async () => {
    expect((await refused('/Patient?name:contains=--')).code).toBe('invalid');
  });
});

describe('tokens (search.html#token)', () => {
  const loinc = 'http://loinc.org';
  beforeAll(async () => {
    const type = (code: string) => ({ coding: [{ system: 'urn:type', code }], text: `${code} number` });
    const identifier = [
      { type: type('MR'), system: 'urn:a', value: '4711' },
      { type: type('SS'), system: 'urn:a', value: '4712' },
    ];
    await put({ ...buildPatient({ identifier, telecom: [{ system: 'phone', value: '+1 555' }] }), id: 'i1' });
    const observation = (id: string, code: string, display: string, text?: string) => ({
      ...buildObservation('Patient/i1'),
      code: { coding: [{ system: loinc, code, display }], ...(text && { text }) },
      id,
    });
    await put(observation('o1', '8480-6', 'Systolic blood pressure'));
    await put(observation('o2', '8867-4', 'Heart rate', 'Puls im Ruhezustand'));
    await put({ ...observation('o3', '718-7', 'Hemoglobin'), component: [{ code: { coding: [{ code: '8480-6' }] } }] });
  });

  test.each([
    ['identifier:of-type=urn:type|MR|4711', ['i1']],
    ['identifier:of-type=urn:type|MR|4712', []],
    ['identifier:of-type=urn:other|MR|4711', []],
    ['identifier:of-type=urn:type|MR|4712,urn:type|SS|4712', ['i1']],
    ['identifier:text=mr num', ['i1']],
    ['identifier:text=mr ss', []],
    ['phone=1555', ['i1']],
    ['phone=phone|1555', ['i1']],
    ['phone=email|1555', []],
    ['email=1555', []],
    ['telecom=1555', ['i1']],
  ])('Patient?%s', async (query, expected) => {
    expect(await found(`/Patient?${query}`)).toEqual(expected);
  });

  test.each([
    ['code:text=blood', ['o1']],
    ['code:text=BLOO', ['o1']],
    ['code:text=press systol', ['o1']],
    ['code:text=ruhe', ['o2']],
    ['code:text=rat&_id=o1,o2,o3', ['o2']],
    ['code:text=ressure', []],
    ['code:text=heart,hemoglobin', ['o2', 'o3']],
    ['category:text=blood', []],
    ['combo-code=8480-6', ['o1', 'o3']],
    ['code=8480-6', ['o1']],
    ['component-code=8480-6', ['o3']],
    ['combo-code:text=blood', ['o1']],
  ])('Observation?%s', async (query, expected) => {
    expect(await found(`/Observation?${query}`)).toEqual(expected);
  });

  test('`:text` finds what is shown beside a reference, and in AuditEvents', async () => {
    const performer = [{ display: 'Dr. Vera Nachtigall' }, { reference: 'Practitioner/x', display: 'Max Amsel' }];
    await put({ ...buildObservation('Patient/i1'), code: { text: 'none' }, performer, id: 'd1' });
    for (const [query, expected] of [
      ['performer:text=nachtigall', ['d1']],
      ['performer:text=NACHT ver', ['d1']],
      ['performer:text=vera amsel', []],
      ['performer:text=chtigall', []],
      ['subject:text=nachtigall', []],
      ['performer:text=quartz,ams&_id=d1,o1', ['d1']],
    ] as const) {
      expect([query, await found(`/Observation?${query}`)]).toEqual([query, expected]);
    }
    expect(await found('/Patient?_has:Observation:patient:performer:text=amsel')).toEqual(['i1']);
    expect((await found('/AuditEvent?type:text=restful&_count=3')).length).toBe(3);
    expect(await found('/AuditEvent?type:text=quartz')).toEqual([]);
  });

  test.each([
    ['/Patient?identifier:of-type=urn:type|MR', 'invalid'],
    ['/Library?depends-on:text=a', 'not-supported'],
    ['/Patient?gender:text=male', 'not-supported'],
    ['/Patient?gender:of-type=a|b|c', 'not-supported'],
    ['/Observation?code:nothing=a', 'not-supported'],
    ['/Patient?phonetic=a', 'not-supported'],
  ])('%s is refused as %s', async (path, code) => {
    expect(await refused(path)).toMatchObject({ code });
  });

  describe('value sets and hierarchies', () => {
    beforeAll(async () => {
      const valueSet = (id: string, rest: object) =>
        put({ resourceType: 'ValueSet', id, url: `http://clinic.test/ValueSet/${id}`, status: 'active', ...rest });
      const pressure = { system: loinc, concept: [{ code: '8480-6' }, { code: '8462-4' }] };
      await valueSet('pressures', { version: '1', compose: { include: [pressure] } });
      await valueSet('vitals', {
        compose: {
          include: [
            { valueSet: ['http://clinic.test/ValueSet/pressures'] },
            { system: loinc, concept: [{ code: '8867-4' }] },
          ],
          exclude: [{ system: loinc, concept: [{ code: '8462-4' }] }],
        },
      });
      await valueSet('all', { compose: { include: [{ system: loinc }] } });
      await valueSet('expanded', {
        expansion: { timestamp: '2026-01-01', contains: [{ system: loinc, code: '718-7' }] },
      });
      const filter = [{ property: 'concept', op: 'is-a', value: 'x' }];
      await valueSet('filtered', { compose: { include: [{ system: loinc, filter }] } });
      await put({
        resourceType: 'CodeSystem',
        id: 'tree',
        url: 'urn:tree',
        status: 'active',
        content: 'complete',
        hierarchyMeaning: 'is-a',
        concept: [{ code: 'animal', concept: [{ code: 'dog', concept: [{ code: 'poodle' }] }, { code: 'cat' }] }],
      });
      for (const code of ['animal', 'dog', 'poodle', 'cat']) {
        const extra = { code: { coding: [{ system: 'urn:tree', code }] } };
        await put({ ...buildObservation('Patient/i1', extra), id: `tree-${code}` });
      }
    });

    test.each([
      ['code:in=http://clinic.test/ValueSet/pressures', ['o1']],
      ['code:in=http://clinic.test/ValueSet/pressures|1', ['o1']],
      ['code:in=pressures', ['o1']],
      ['code:in=ValueSet/vitals', ['o1', 'o2']],
      ['code:in=all', ['o1', 'o2', 'o3']],
      ['code:in=expanded,pressures', ['o1', 'o3']],
      ['code:not-in=vitals&_id=o1,o2,o3', ['o3']],
      ['status:in=http://hl7.org/fhir/ValueSet/observation-status&_id=o1,o2', ['o1', 'o2']],
      ['combo-code:in=pressures', ['o1']],
      ['code:below=urn:tree|dog', ['tree-dog', 'tree-poodle']],
      ['code:above=urn:tree|dog', ['tree-animal', 'tree-dog']],
      ['code:below=urn:tree|none', []],
    ])('Observation?%s', async (query, expected) => {
      expect(await found(`/Observation?${query}`)).toEqual(expected);
    });

    test.each([
      ['code:in=http://clinic.test/ValueSet/pressures|2', 'not-found'],
      ['code:in=http://clinic.test/ValueSet/none', 'not-found'],
      ['code:in=filtered', 'not-supported'],
      ['code:below=http://snomed.info/sct|1', 'not-supported'],
      ['code:below=dog', 'invalid'],
    ])('Observation?%s is refused as %s', async (query, code) => {
      expect(await refused(`/Observation?${query}`)).toMatchObject({ code });
    });

    test('they can be asked along links, and in a filter', async () => {
      expect(await found('/Patient?_has:Observation:patient:code:in=pressures')).toEqual(['i1']);
      expect(await found('/Patient?_has:Observation:patient:code:text=nothing')).toEqual([]);
      expect(await found('/Observation?patient.identifier:of-type=urn:type|MR|4711&code:in=pressures')).toEqual(['o1']);
      expect(await found('/Observation?patient.name:contains=zzz&code:in=pressures')).toEqual([]);
      expect(await found('/Observation?_filter=code in "http://clinic.test/ValueSet/pressures"')).toEqual(['o1']);
    });

    test('a value set of another tenant does not exist, and without the right to read value sets none is read', async () => {
      const path = '/Observation?code:in=http://clinic.test/ValueSet/pressures';
      expect((await server.b.request('GET', path)).status).toBe(400);
      const client = await clientOf(server, server.a, 'system/Observation.rs');
      expect((await client.request('GET', path)).status).toBe(403);
    });

    test('criteria of conditional requests cannot ask by value sets', async () => {
      const headers = { 'If-None-Exist': 'code:in=pressures' };
      const { status, json } = await server.a.request('POST', '/Observation', buildObservation('Patient/i1'), headers);
      expect([status, json.issue[0].code]).toEqual([400, 'not-supported']);
    });
  });
});

describe('uris and canonicals (search.html#uri)', () => {
  beforeAll(async () => {
    const valueSet = (id: string, url: string) => put({ resourceType: 'ValueSet', id, url, status: 'active' });
    await valueSet('u1', 'http://acme.org/fhir/ValueSet/123');
    await valueSet('u2', 'http://acme.org/fhir/ValueSet');
    await valueSet('u3', 'http://acme.org/fhirs/other');
    await valueSet('u4', 'urn:oid:1.2.3');
    const meta = { source: 'http://acme.org/system/a', profile: ['http://acme.org/fhir/StructureDefinition/p|1.2'] };
    await put({ ...buildPatient({ meta }), id: 'm1' });
    const answered = (id: string, questionnaire: string) =>
      put({ resourceType: 'QuestionnaireResponse', id, questionnaire, status: 'completed' });
    await answered('q1', 'http://acme.org/Questionnaire/a|1');
    await answered('q2', 'http://acme.org/Questionnaire/a|1.2');
    await answered('q3', 'http://acme.org/Questionnaire/a|2.0');
  });

  test.each([
    ['ValueSet?url:below=http://acme.org/fhir', ['u1', 'u2']],
    ['ValueSet?url:below=http://acme.org/fhir/', ['u1', 'u2']],
    ['ValueSet?url:below=http://acme.org', ['u1', 'u2', 'u3']],
    ['ValueSet?url:below=http://acme.org/fhir/ValueSet/123', ['u1']],
    ['ValueSet?url:below=http://acme.org/fhir/ValueS', []],
    ['ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5', ['u1', 'u2']],
    ['ValueSet?url:above=http://acme.org/fhir/ValueSet', ['u2']],
    ['Patient?_profile=http://acme.org/fhir/StructureDefinition/p', ['m1']],
    ['Patient?_profile=http://acme.org/fhir/StructureDefinition/p|1.2', ['m1']],
    ['Patient?_profile=http://acme.org/fhir/StructureDefinition/p|1.3', []],
    ['Patient?_profile:below=http://acme.org/fhir', ['m1']],
    ['Patient?_profile:below=http://acme.org/fhir/StructureDefinition/p|1', ['m1']],
    ['Patient?_source=http://acme.org/system/a', ['m1']],
    ['Patient?_source:below=http://acme.org/system', ['m1']],
    ['QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/a', ['q1', 'q2', 'q3']],
    ['QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/a|1', ['q1']],
    ['QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/a|1', ['q1', 'q2']],
    ['QuestionnaireResponse?questionnaire:above=http://acme.org/Questionnaire/a|1.2', ['q1', 'q2']],
  ])('%s', async (path, expected) => {
    expect(await found(`/${path}`)).toEqual(expected);
  });

  test('a URN has nothing above or below it, and a literal reference no canonical hierarchy', async () => {
    expect((await refused('/ValueSet?url:below=urn:oid:1.2')).code).toBe('invalid');
    expect((await refused('/Observation?subject:below=Patient/1')).code).toBe('not-supported');
  });
});

describe('_text and _content (search.html#text)', () => {
  beforeAll(async () => {
    const div =
      '<div xmlns="http://www.w3.org/1999/xhtml"><p>Caf&#233; <b>allergy</b>&amp;asthma</p><!-- hidden --></div>';
    await put({ ...buildPatient({ text: { status: 'generated', div } }), id: 'w1' });
    const participant = [{ actor: { reference: 'Patient/w1', display: 'Wilhelmina' }, status: 'accepted' }];
    await put({
      resourceType: 'Appointment',
      id: 'w2',
      status: 'proposed',
      comment: 'Bring MRI pictures, please',
      participant,
    });
  });

  test.each([
    ['Patient?_text=allergy', ['w1']],
    ['Patient?_text=cafe asthma', ['w1']],
    ['Patient?_text=allerg', []],
    ['Patient?_text=hidden', []],
    ['Patient?_text=xhtml', []],
    ['Patient?_content=ALLERGY', ['w1']],
    ['Patient?_content=muster allergy', ['w1']],
    ['Patient?_text=muster', []],
    ['Appointment?_content=mri', ['w2']],
    ['Appointment?_content=pictures,nothing', ['w2']],
    ['Appointment?_content=wilhelmina bring', ['w2']],
    ['Appointment?_content=pict', []],
    ['Appointment?_content=mr', []],
    ['Appointment?_text=pictures', []],
  ])('%s', async (path, expected) => {
    expect(await found(`/${path}`)).toEqual(expected);
  });
});
