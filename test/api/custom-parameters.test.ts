// SearchParameter resources of a tenant: what is active is indexed in the background and answered then, by that tenant alone:
// https://hl7.org/fhir/R4/searchparameter.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { clientOf } from './clients.ts';
import {
  activate,
  holdTransaction,
  idsFound,
  isIndexed,
  isReady,
  isRefused,
  make,
  searchParameter,
  stateOf,
  statusOf,
} from './custom-parameters.ts';

let server: TestServer;
let a: TestTenant;
let b: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
});
afterAll(() => server.close());

const strict = { Prefer: 'handling=strict' };
const extension = (name: string) => `http://example.org/${name}`;
const valueIn = (type: string, name: string) => `${type}.extension.where(url = '${extension(name)}').value`;
const patientWith = (name: string, value: object) => ({
  resourceType: 'Patient',
  extension: [{ url: extension(name), ...value }],
});

describe('an active SearchParameter', () => {
  test('finds what was there before and what comes after, once it is ready, and for its own tenant only (security.md 18)', async () => {
    const before = await make(a, patientWith('eyes', { valueCode: 'green' }));
    await make(a, patientWith('eyes', { valueCode: 'brown' }));
    await make(b, patientWith('eyes', { valueCode: 'green' }));
    await activate(a, { code: 'eyes', type: 'token', base: ['Patient'], expression: valueIn('Patient', 'eyes') });
    const after = await make(a, patientWith('eyes', { valueCode: 'green' }));
    expect(await idsFound(a, '/Patient?eyes=green')).toEqual([before, after].sort());
    expect((await b.request('GET', '/Patient?eyes=green', undefined, strict)).status).toBe(400);
    expect(await statusOf(b, 'searchParameter')).toEqual([]);
  });

  const metres = { value: 1.8, unit: 'm', system: 'http://unitsofmeasure.org', code: 'm' };
  test.each([
    ['string', { valueString: 'Grüne Augen' }, 'grune', 'blau'],
    ['date', { valueDate: '2026-03-04' }, 'ge2026-03-01', 'lt2026-03-04'],
    ['number', { valueInteger: 7 }, 'gt6', 'lt7'],
    ['quantity', { valueQuantity: metres }, '180|http://unitsofmeasure.org|cm', 'gt2||m'],
    ['uri', { valueUri: 'http://example.org/x' }, 'http://example.org/x', 'http://example.org/y'],
    ['reference', { valueReference: { reference: 'Organization/o1' } }, 'Organization/o1', 'Organization/o2'],
  ])('of type %s finds by its value and by that it is missing', async (type, value, found, other) => {
    const code = `kind-${type}`;
    const id = await make(a, patientWith(code, value));
    const without = await make(a, { resourceType: 'Patient', active: true });
    await activate(a, { code, type, base: ['Patient'], expression: valueIn('Patient', code) });
    expect(await idsFound(a, `/Patient?${code}=${encodeURIComponent(found)}`)).toEqual([id]);
    expect(await idsFound(a, `/Patient?${code}=${encodeURIComponent(other)}`)).toEqual([]);
    expect(await idsFound(a, `/Patient?${code}:missing=false`)).toEqual([id]);
    expect(await idsFound(a, `/Patient?${code}:missing=true&_id=${id},${without}`)).toEqual([without]);
  });

  test('of type composite finds its components in the same element only', async () => {
    const contact = (system: string, use: string) => ({ system, use, value: '1' });
    const match = await make(a, {
      resourceType: 'Patient',
      telecom: [contact('phone', 'work'), contact('email', 'home')],
    });
    await make(a, { resourceType: 'Patient', telecom: [contact('phone', 'home'), contact('email', 'work')] });
    const part = (expression: string) => ({
      definition: 'http://hl7.org/fhir/SearchParameter/individual-gender',
      expression,
    });
    await activate(a, {
      ...{ code: 'telecom-use', type: 'composite', base: ['Patient'], expression: 'Patient.telecom' },
      component: [part('system'), part('use')],
    });
    expect(await idsFound(a, '/Patient?telecom-use=phone$work')).toEqual([match]);
    expect(await idsFound(a, '/Patient?telecom-use=email$work&_id:not=none')).not.toContain(match);
  });

  test('of type composite reads its components where it says, though R4 reads their definitions elsewhere', async () => {
    const url = extension('pair');
    const part = (name: string, value: object) => ({ url: name, ...value });
    const coding = (code: string) => ({ valueCoding: { system: 'urn:s', code } });
    const pairOf = (code: string, on: string) => ({
      url,
      extension: [
        part('code', coding(code)),
        part('other', coding('o')),
        part('on', { valueDate: on }),
        part('much', { valueQuantity: { value: 5, unit: 'kg' } }),
      ],
    });
    const procedure = { resourceType: 'Procedure', status: 'completed', subject: { display: 'Eva' } };
    const match = await make(a, { ...procedure, extension: [pairOf('a', '2026-03-01'), pairOf('b', '2026-04-01')] });
    await make(a, { ...procedure, extension: [pairOf('a', '2026-04-01'), pairOf('c', '2026-03-01')] });
    const component = (definition: string, name: string) => ({
      definition: `http://hl7.org/fhir/SearchParameter/${definition}`,
      expression: `extension.where(url = '${name}').value`,
    });
    const composite = {
      type: 'composite',
      base: ['Procedure'],
      expression: `Procedure.extension.where(url = '${url}')`,
    };
    const code = component('clinical-code', 'code');
    const secondOf = {
      dated: component('clinical-date', 'on'),
      measured: component('Observation-value-quantity', 'much'),
      doubled: component('clinical-code', 'other'),
    };
    for (const [name, second] of Object.entries(secondOf)) {
      await activate(a, { ...composite, code: name, component: [code, second] });
    }
    for (const query of [
      'dated=a$2026-03-01',
      'dated=urn:s|a$2026-03',
      'measured=b$5',
      'measured=urn:s|b$gt4',
      'doubled=b$o',
    ]) {
      expect([query, await idsFound(a, `/Procedure?${query}`)]).toEqual([query, [match]]);
    }
    for (const query of [
      'dated=b$2026-03-01',
      'dated=urn:t|a$2026-03',
      'measured=urn:t|b$5',
      'measured=b$5||g',
      'doubled=b$b',
    ]) {
      expect([query, await idsFound(a, `/Procedure?${query}`)]).toEqual([query, []]);
    }
    expect(await idsFound(a, '/Procedure?measured=b$5||kg')).toEqual([match]);
    expect(await idsFound(a, '/Procedure?doubled=urn:s|b$urn:s|')).toEqual([match]);
  });

  test('takes part in chains, _has, includes, sorting, _filter and :not', async () => {
    const mentor = await make(a, patientWith('rank', { valueInteger: 2 }));
    const pupil = await make(a, {
      resourceType: 'Patient',
      extension: [
        { url: extension('rank'), valueInteger: 1 },
        { url: extension('mentor'), valueReference: { reference: `Patient/${mentor}` } },
      ],
    });
    const rank = { code: 'rank', type: 'number', base: ['Patient'], expression: valueIn('Patient', 'rank') };
    const target = ['Patient'];
    await activate(a, rank);
    await activate(a, {
      ...{
        code: 'mentor',
        type: 'reference',
        base: ['Patient'],
        target,
        expression: `${valueIn('Patient', 'mentor')}.ofType(Reference)`,
      },
    });
    const found = (path: string) => idsFound(a, path);
    expect(await found('/Patient?rank=1,2')).toEqual([mentor, pupil].sort());
    const sorted = await a.request('GET', '/Patient?rank=1,2&_sort=-rank', undefined, strict);
    expect(sorted.json.entry.map((entry: { resource: { id: string } }) => entry.resource.id)).toEqual([mentor, pupil]);
    expect(await found(`/Patient?_filter=${encodeURIComponent('rank gt 1')}`)).toEqual([mentor]);
    expect(await found('/Patient?mentor.rank=2')).toEqual([pupil]);
    expect(await found('/Patient?_has:Patient:mentor:rank=1')).toEqual([mentor]);
    expect(await found('/Patient?rank=1&_include=Patient:mentor')).toEqual([mentor, pupil].sort());
    expect(await found('/Patient?rank=2&_revinclude=Patient:mentor')).toEqual([mentor, pupil].sort());
  });

  test('leads on from a value of an extension that can be of any type', async () => {
    const ward = await make(a, { resourceType: 'Organization', name: 'Ward' });
    const facts = { code: 'ward', type: 'reference', base: ['Patient'], target: ['Organization'] };
    const patient = await make(a, patientWith('ward', { valueReference: { reference: `Organization/${ward}` } }));
    const canonical = await make(a, patientWith('ward', { valueCanonical: 'http://example.org/ward' }));
    await activate(a, { ...facts, expression: valueIn('Patient', 'ward') });
    const found = (path: string) => idsFound(a, path);
    expect(await found('/Patient?ward=http://example.org/ward')).toEqual([canonical]);
    expect(await found('/Patient?ward.name=ward')).toEqual([patient]);
    expect(await found(`/Organization?_has:Patient:ward:_id=${patient}`)).toEqual([ward]);
    expect(await found(`/Patient?_id=${patient}&_include=Patient:ward`)).toEqual([patient, ward].sort());
    expect(await found(`/Organization?_id=${ward}&_revinclude=Patient:ward`)).toEqual([patient, ward].sort());
  });

  test('chooses in conditional interactions, in bundles and in compartments', async () => {
    await activate(a, {
      ...{ code: 'batch-number', type: 'token', base: ['Observation'] },
      expression: valueIn('Observation', 'batch-number'),
    });
    const patient = await make(a, { resourceType: 'Patient' });
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${patient}` },
      extension: [{ url: extension('batch-number'), valueCode: 'b1' }],
    };
    const conditional = { 'If-None-Exist': 'batch-number=b1' };
    const first = await a.request('POST', '/Observation', observation, conditional);
    const second = await a.request('POST', '/Observation', observation, conditional);
    expect([first.status, second.status, second.json.id]).toEqual([201, 200, first.json.id]);
    expect(await idsFound(a, `/Patient/${patient}/Observation?batch-number=b1`)).toEqual([first.json.id]);
    const referring = { ...observation, hasMember: [{ reference: 'Observation?batch-number=b1' }], extension: [] };
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { request: { method: 'POST', url: 'Observation' }, resource: { ...referring, extension: undefined } },
        { request: { method: 'GET', url: 'Observation?batch-number=b1' } },
      ],
    };
    const { json, status } = await a.request('POST', '', bundle);
    expect([status, json.entry[1].resource.entry[0].resource.id]).toEqual([200, first.json.id]);
    expect(json.entry[0].resource.hasMember[0].reference).toBe(`Observation/${first.json.id}`);
  });

  test('leaves resources as they are: no new version, no other time, no AuditEvent', async () => {
    const id = await make(a, patientWith('untouched', { valueCode: 'x' }));
    const before = await a.request('GET', `/Patient/${id}`);
    await activate(a, {
      code: 'untouched',
      type: 'token',
      base: ['Patient'],
      expression: valueIn('Patient', 'untouched'),
    });
    expect(await idsFound(a, '/Patient?untouched=x')).toEqual([id]);
    const after = await a.request('GET', `/Patient/${id}`);
    expect([after.text, after.headers.get('ETag')]).toEqual([before.text, before.headers.get('ETag')]);
    expect((await a.request('GET', `/Patient/${id}/_history`)).json.total).toBe(1);
    expect((await a.request('GET', `/AuditEvent?entity=Patient/${id}&action=C,U`)).json.total).toBe(1);
  });

  test('stands in the CapabilityStatement of its tenant from when it is ready', async () => {
    const namesOf = async (tenant: TestTenant) => {
      const { json } = await tenant.request('GET', '/metadata');
      const found = json.rest[0].resource.find(({ type }: { type: string }) => type === 'Slot');
      return found.searchParam.map(({ name }: { name: string }) => name);
    };
    const held = await holdTransaction(server, b);
    const id = await make(
      a,
      searchParameter({ code: 'room-side', type: 'string', base: ['Slot'], expression: 'Slot.comment' }),
    );
    expect(await namesOf(a)).not.toContain('room-side');
    await held.end();
    await isReady(a, id);
    expect(await namesOf(a)).toContain('room-side');
    expect(await namesOf(b)).not.toContain('room-side');
  });
});

describe('one that is not ready', () => {
  test('is refused under strict handling, ignored with a warning under lenient, and never chooses what is written', async () => {
    await make(a, { resourceType: 'Device', lotNumber: 'l1' });
    const held = await holdTransaction(server, b);
    const parameter = { code: 'lot', type: 'string', base: ['Device'], expression: 'Device.lotNumber' };
    const id = await make(a, searchParameter(parameter));
    expect(await stateOf(a, id)).toBe('pending');
    const ask = (query: string, headers = strict) => a.request('GET', query, undefined, headers);
    for (const query of [
      '/Device?lot=l1',
      '/Observation?device:Device.lot=l1',
      '/Device?_filter=lot eq "l1"',
      '/Device?_sort=lot',
    ]) {
      const { status, json } = await ask(query);
      expect([query, status, json.issue[0].code]).toEqual([query, 400, 'not-supported']);
      expect(json.issue[0].diagnostics).toMatch(/lot.* (yet|waits to be indexed)/);
    }
    const lenient = await ask('/Device?lot=l1', { Prefer: 'handling=lenient' });
    expect(lenient.status).toBe(200);
    expect(lenient.text).toContain('waits to be indexed');
    const device = { resourceType: 'Device', lotNumber: 'l1' };
    const conditional = await a.request('POST', '/Device', device, { 'If-None-Exist': 'lot=l1' });
    expect([conditional.status, conditional.text]).toEqual([400, expect.stringContaining('waits to be indexed')]);
    await held.end();
    await isReady(a, id);
    expect(await idsFound(a, '/Device?lot=l1')).toHaveLength(1);
  });

  test('shares its run with others that wait too', async () => {
    await isIndexed(a);
    const before = (await statusOf(a, 'run')).length;
    const held = await holdTransaction(server, a);
    const ids: string[] = [];
    for (const code of ['w1', 'w2', 'w3']) {
      ids.push(await make(a, searchParameter({ code, type: 'string', base: ['Flag'], expression: 'Flag.code.text' })));
    }
    const runs = await statusOf(a, 'run');
    expect([runs.length - before, runs[0]]).toEqual([1, expect.objectContaining({ state: 'waiting', type: 'Flag' })]);
    await held.end();
    for (const id of ids) await isReady(a, id);
    expect((await statusOf(a, 'run')).length - before).toBe(1);
  });
});

describe('the status decides', () => {
  const facts = { code: 'mood', type: 'token', base: ['Patient'], expression: valueIn('Patient', 'mood') };

  test('a draft does nothing, whatever it says, until a patch makes it active; retired and deleted ones are gone', async () => {
    const patient = await make(a, patientWith('mood', { valueCode: 'good' }));
    const id = await make(a, { ...searchParameter({ ...facts, expression: 'no FHIRPath (' }), status: 'draft' });
    expect(await stateOf(a, id)).toBeUndefined();
    const change = (...operations: object[]) =>
      a.request('PATCH', `/SearchParameter/${id}`, operations, { 'Content-Type': 'application/json-patch+json' });
    const replace = (path: string, value: string) => ({ op: 'replace', path, value });
    expect((await change(replace('/status', 'active'))).status).toBe(422);
    expect((await change(replace('/status', 'active'), replace('/expression', facts.expression))).status).toBe(200);
    await isReady(a, id);
    expect(await idsFound(a, '/Patient?mood=good')).toEqual([patient]);
    expect((await change(replace('/status', 'retired'))).status).toBe(200);
    await isRefused(a, '/Patient?mood=good');
    expect((await change(replace('/status', 'active'))).status).toBe(200);
    await isReady(a, id);
    expect(await idsFound(a, '/Patient?mood=good')).toEqual([patient]);
    expect((await a.request('DELETE', `/SearchParameter/${id}`)).status).toBe(204);
    await isRefused(a, '/Patient?mood=good');
  });

  test('what is taken away takes along what it has stored', async () => {
    const patient = await make(a, patientWith('visited', { valueDate: '2026-01-01' }));
    const id = await activate(a, {
      ...facts,
      code: 'visited',
      type: 'date',
      expression: valueIn('Patient', 'visited'),
    });
    const rows = () =>
      server.app.doors.tenantDoor(a.id, (trx) =>
        trx.query({ text: "SELECT id FROM date_value WHERE parameter = 'visited'" }),
      );
    expect(await rows()).toEqual([{ id: patient }]);
    await a.request('DELETE', `/SearchParameter/${id}`);
    await isIndexed(a);
    expect(await rows()).toEqual([]);
  });

  test('another definition finds by itself alone, another description changes nothing', async () => {
    const old = await make(a, patientWith('first-place', { valueCode: 'x' }));
    const fresh = await make(a, patientWith('second-place', { valueCode: 'x' }));
    const parameter = searchParameter({ ...facts, code: 'place', expression: valueIn('Patient', 'first-place') });
    const id = await make(a, parameter);
    await isReady(a, id);
    expect(await idsFound(a, '/Patient?place=x')).toEqual([old]);
    const put = (changes: object) => a.request('PUT', `/SearchParameter/${id}`, { ...parameter, id, ...changes });
    expect((await put({ description: 'Of another kind.' })).status).toBe(200);
    expect(await stateOf(a, id)).toBe('ready');
    expect((await put({ expression: valueIn('Patient', 'second-place') })).status).toBe(200);
    await isReady(a, id);
    expect(await idsFound(a, '/Patient?place=x')).toEqual([fresh]);
  });

  test('another definition has an order of its own, in which no page of the old one goes on', async () => {
    await make(a, patientWith('since', { valueDate: '2026-01-01' }));
    await make(a, patientWith('since', { valueDate: '2026-02-01' }));
    const expression = valueIn('Patient', 'since');
    const parameter = searchParameter({ base: ['Patient'], code: 'since', type: 'date', expression });
    const id = await make(a, parameter);
    await isReady(a, id);
    const page = await a.request('GET', '/Patient?since:missing=false&_sort=since&_count=1');
    const next: string = page.json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    const goOn = () => a.request('GET', next.slice(next.indexOf('/Patient?')));
    expect((await goOn()).status).toBe(200);
    await a.request('PUT', `/SearchParameter/${id}`, { ...parameter, id, type: 'string' });
    await isReady(a, id);
    const refused = await goOn();
    expect([refused.status, refused.json.issue[0].diagnostics]).toEqual([400, expect.stringContaining('cursor')]);
  });

  test('a transaction that brings parameters and resources has both in the end', async () => {
    const entry = (resource: { resourceType: string }) => ({
      request: { method: 'POST', url: resource.resourceType },
      resource,
    });
    const parameter = searchParameter({ ...facts, code: 'both', expression: valueIn('Patient', 'both') });
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [entry(patientWith('both', { valueCode: 'x' })), entry(parameter)],
    };
    const { status, json } = await a.request('POST', '', bundle);
    expect(status).toBe(200);
    const [patient, id] = json.entry.map(({ response }: { response: { location: string } }) =>
      response.location.split('/').at(-3),
    );
    await isReady(a, id);
    expect(await idsFound(a, '/Patient?both=x')).toEqual([patient]);
  });
});

describe('refused with 422 and its place is', () => {
  const facts = { code: 'own', type: 'token', base: ['Patient'], expression: 'Patient.gender' };
  const nested = (depth: number) => `${'('.repeat(depth)}Patient.gender${')'.repeat(depth)}`;

  test.each([
    ['a code that is no name', { code: 'a.b' }, 'code'],
    ["a code of FHIR's own", { code: '_mine' }, 'code'],
    ['a code the type has', { code: 'gender' }, 'code'],
    ['a base that is no resource type', { base: ['Resource'] }, 'base'],
    ['a base that is never indexed again', { base: ['AuditEvent'] }, 'base'],
    ['a type without a definition', { type: 'special' }, 'type'],
    ['no expression', { expression: undefined }, 'expression'],
    ['no FHIRPath', { expression: 'Patient.(' }, 'expression'],
    ['what R4 does not know', { expression: 'Patient.colour' }, 'expression'],
    ['what R4 does not know in a criterion', { expression: "Patient.name.where(uze = 'old').family" }, 'expression'],
    ['what R4 does not know, asked whether it is there', { expression: 'Patient.colour.exists()' }, 'expression'],
    ['what is of another type', { expression: 'Observation.code' }, 'expression'],
    ['what the type cannot compare', { type: 'date', expression: 'Patient.name' }, 'expression'],
    ['a date that tells who somebody is', { type: 'date', expression: 'Patient.birthDate' }, 'expression'],
    ['a function that matches texts', { expression: "Patient.name.family.matches('(a+)+b')" }, 'expression'],
    ['a loop', { expression: 'Patient.repeat(repeat(extension))' }, 'expression'],
    ['a variable', { expression: 'Patient.name.where(%resource.name.exists())' }, 'expression'],
    ['another resource', { expression: 'Patient.managingOrganization.resolve().name' }, 'expression'],
    ['an expression too long', { expression: `Patient.gender | ${' '.repeat(2_000)}Patient.gender` }, 'expression'],
    ['an expression of too many steps', { expression: Array(120).fill('Patient.gender').join(' | ') }, 'expression'],
    ['an expression too deep', { expression: nested(1_000).slice(0, 2_000) }, 'expression'],
    [
      'a component that is not there',
      { type: 'composite', component: [{ definition: 'http://x', expression: 'use' }] },
      'component[0].definition',
    ],
    ['a composite of nothing', { type: 'composite' }, 'component'],
  ])('%s (security.md 92)', async (_, changes, place) => {
    const { status, json } = await a.request('POST', '/SearchParameter', searchParameter({ ...facts, ...changes }));
    expect([status, json.issue[0].expression]).toEqual([422, [`SearchParameter.${place}`]]);
  });

  test('a second one of a code, also in one bundle, though not one that takes its place', async () => {
    const parameter = searchParameter({ ...facts, code: 'twice' });
    const id = await make(a, parameter);
    const again = await a.request('POST', '/SearchParameter', { ...parameter, url: 'http://example.org/other' });
    expect([again.status, again.json.issue[0].code]).toEqual([422, 'duplicate']);
    const other = { ...parameter, url: 'http://example.org/other' };
    const replaced = await a.request('POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { request: { method: 'DELETE', url: `SearchParameter/${id}` } },
        { request: { method: 'POST', url: 'SearchParameter' }, resource: other },
        {
          request: { method: 'POST', url: 'SearchParameter' },
          resource: { ...other, url: 'http://example.org/third' },
        },
      ],
    });
    expect([replaced.status, replaced.json.issue[0].expression]).toEqual([422, ['Bundle.entry[2].resource.code']]);
    expect((await b.request('POST', '/SearchParameter', parameter)).status).toBe(201);
  });
});

test('of many that come at once each is there, and one of those with the same code', async () => {
  const facts = { type: 'token', base: ['Goal'], expression: 'Goal.lifecycleStatus' };
  const post = (code: string, url: string) =>
    b.request('POST', '/SearchParameter', { ...searchParameter({ ...facts, code }), url: `http://example.org/${url}` });
  const others = await Promise.all(Array.from({ length: 16 }, (_, index) => post(`status-${index}`, `o${index}`)));
  expect(others.map(({ status }) => status)).toEqual(Array(16).fill(201));
  const same = await Promise.all(Array.from({ length: 6 }, (_, index) => post('same', `s${index}`)));
  expect(same.map(({ status }) => status).sort()).toEqual([201, ...Array(5).fill(422)]);
  const ids = [...others, ...same].flatMap(({ json, status }) => (status === 201 ? [json.id] : []));
  for (const id of ids) await isReady(b, id);
});

test('a guide may say again what R4 says: it is stored and changes nothing', async () => {
  const again = searchParameter({
    ...{ code: 'gender', type: 'token', base: ['Patient'], expression: 'Patient.gender' },
    derivedFrom: 'http://hl7.org/fhir/SearchParameter/individual-gender',
  });
  const id = await make(a, again);
  expect(await stateOf(a, id)).toBeUndefined();
  expect((await a.request('GET', '/Patient?gender=female', undefined, strict)).status).toBe(200);
});

test('whoever may not write SearchParameters defines none and indexes nothing again (security.md 92)', async () => {
  const reader = await clientOf(server, a, 'system/Patient.cruds system/SearchParameter.rs');
  const parameter = searchParameter({ code: 'mine', type: 'token', base: ['Patient'], expression: 'Patient.gender' });
  expect((await reader.request('POST', '/SearchParameter', parameter)).status).toBe(403);
  expect((await reader.request('POST', '/$reindex', { resourceType: 'Parameters' })).status).toBe(403);
  expect((await reader.request('GET', '/$reindex-status')).status).toBe(200);
  const other = await clientOf(server, a, 'system/Patient.cruds');
  expect((await other.request('GET', '/$reindex-status')).status).toBe(403);
});
