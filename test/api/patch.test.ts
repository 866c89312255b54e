// PATCH over HTTP, in each of its three kinds: https://hl7.org/fhir/R4/http.html#patch

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function patch(operations: unknown, headers: Record<string, string> = {}) {
  const { json } = await server.a.request('POST', '/Patient', buildPatient());
  const type = { 'Content-Type': 'application/json-patch+json', ...headers };
  const answer = await server.a.request('PATCH', `/Patient/${json.id}`, operations, type);
  const after = await server.a.request('GET', `/Patient/${json.id}`);
  return { answer, before: json, after: after.json };
}

describe('PATCH with JSON Patch', () => {
  test('makes the next version', async () => {
    const { answer, after } = await patch([{ op: 'add', path: '/active', value: false }]);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ active: false, meta: { versionId: '2' } });
    expect(after).toEqual(answer.json);
  });

  test.each([
    ['test', [{ op: 'test', path: '/gender', value: 'nobody' }]],
    ['remove of nothing', [{ op: 'remove', path: '/photo' }]],
    ['index far out', [{ op: 'replace', path: '/name/4294967296', value: {} }]],
    ['id (security.md 43)', [{ op: 'replace', path: '/id', value: 'x' }]],
    ['resourceType', [{ op: 'replace', path: '/resourceType', value: 'Person' }]],
    ['meta as a whole', [{ op: 'remove', path: '/meta' }]],
    ['root', [{ op: 'replace', path: '', value: {} }]],
    ['move of the id', [{ op: 'move', from: '/id', path: '/language' }]],
    ['no pointer (security.md 79)', [{ op: 'add', path: '~0~1', value: true }]],
    ['prototype', [{ op: 'add', path: '/__proto__/polluted', value: true }]],
    ['path through a string', [{ op: 'add', path: '/name/0/family/x', value: 'y' }]],
    ['invalid result', [{ op: 'add', path: '/birthDate', value: '2026-02-30' }]],
    [
      'later operation fails',
      [
        { op: 'add', path: '/active', value: false },
        { op: 'remove', path: '/photo' },
      ],
    ],
  ])('changes nothing and is 422 when an operation cannot be done: %s', async (_, operations) => {
    const { answer, before, after } = await patch(operations);
    expect(answer.status).toBe(422);
    expect(answer.json.issue[0].diagnostics.length).toBeGreaterThan(10);
    expect(after).toEqual(before);
  });

  test.each([[{}], [[{}]], [[null]], [[{ op: 'add' }]], [[{ op: 'become', path: '/active' }]]])(
    'refuses what is no JSON Patch: %j',
    async (body) => {
      const { answer, before, after } = await patch(body);
      expect(answer.status).toBe(400);
      expect(after).toEqual(before);
    },
  );

  test('keeps the texts of numbers: those that stay, move, are copied and come', async () => {
    const quantity = (text: string) => `{"code":{"text":"c"},"valueQuantity":{"value":${text}}}`;
    const body = `{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[${quantity('1')},${quantity('1.00')},${quantity('2.50')}]}`;
    const { json } = await server.a.request('POST', '/Observation', body);
    const operations = `[
      {"op":"test","path":"/component/1/valueQuantity/value","value":1},
      {"op":"remove","path":"/component/0"},
      {"op":"copy","from":"/component/0","path":"/component/-"},
      {"op":"add","path":"/component/-","value":${quantity('1.10')}},
      {"op":"replace","path":"/component/1/valueQuantity/value","value":3.0}]`;
    const type = { 'Content-Type': 'application/json-patch+json' };
    const { status, text } = await server.a.request('PATCH', `/Observation/${json.id}`, operations, type);
    expect(status).toBe(200);
    expect([...text.matchAll(/"value":([0-9.]+)/g)].map(([, value]) => value)).toEqual(['1.00', '3.0', '1.00', '1.10']);
  });

  test.each(['text/plain', 'application/xml-patch+xml', 'multipart/form-data'])('is not sent as %s', async (type) => {
    const { answer } = await patch([], { 'Content-Type': type });
    expect(answer.status).toBe(415);
    expect(answer.headers.get('Accept-Patch')).toContain('application/json-patch+json');
  });

  test('honours If-Match', async () => {
    const { answer } = await patch([{ op: 'add', path: '/active', value: true }], { 'If-Match': 'W/"9"' });
    expect(answer.status).toBe(412);
  });

  test('of parallel ones with the same If-Match one wins', async () => {
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    const headers = { 'Content-Type': 'application/json-patch+json', 'If-Match': 'W/"1"' };
    const operations = [{ op: 'add', path: '/active', value: false }];
    const url = `/Patient/${json.id}`;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server.a.request('PATCH', url, operations, headers)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
  });

  test('of parallel ones without, none is lost', async () => {
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    const url = `/Patient/${json.id}`;
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const operations = [{ op: 'add', path: '/name/-', value: { text: `p${index}` } }];
        return server.a.request('PATCH', url, operations, { 'Content-Type': 'application/json-patch+json' });
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const { json: after } = await server.a.request('GET', url);
    expect(after.meta.versionId).toBe('9');
    expect(after.name).toHaveLength(json.name.length + 8);
  });

  test('of what is not there is 404, of what was deleted 410', async () => {
    const type = { 'Content-Type': 'application/json-patch+json' };
    expect((await server.a.request('PATCH', '/Patient/unknown', [], type)).status).toBe(404);
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    await server.a.request('DELETE', `/Patient/${json.id}`);
    expect((await server.a.request('PATCH', `/Patient/${json.id}`, [], type)).status).toBe(410);
  });
});

describe('PATCH with FHIRPath Patch', () => {
  const json = { 'Content-Type': 'application/fhir+json' };
  const operation = (...part: object[]) => ({ name: 'operation', part });
  const addDeceased = operation(
    { name: 'type', valueCode: 'add' },
    { name: 'path', valueString: 'Patient' },
    { name: 'name', valueString: 'deceased' },
    { name: 'value', valueBoolean: false },
  );
  const deleteId = operation({ name: 'type', valueCode: 'delete' }, { name: 'path', valueString: 'Patient.id' });
  const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });

  test('makes the next version', async () => {
    const { answer, after } = await patch(parameters(addDeceased), json);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ deceasedBoolean: false, meta: { versionId: '2' } });
    expect(after).toEqual(answer.json);
  });

  test('comes as XML too', async () => {
    const xml = `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
      <part><name value="type"/><valueCode value="add"/></part>
      <part><name value="path"/><valueString value="Patient"/></part>
      <part><name value="name"/><valueString value="multipleBirth"/></part>
      <part><name value="value"/><valueInteger value="2"/></part></parameter></Parameters>`;
    const { answer, after } = await patch(xml, { 'Content-Type': 'application/fhir+xml' });
    expect(answer.status).toBe(200);
    expect(after.multipleBirthInteger).toBe(2);
  });

  test.each([
    [
      'a later operation fails',
      [addDeceased, deleteId],
      'Operation 1 of the patch (delete)',
      'Parameters.parameter[1]',
    ],
    ['the same again', [addDeceased, addDeceased], 'Operation 1 of the patch (add)', 'Parameters.parameter[1]'],
  ])('changes nothing and names the operation when it cannot be done: %s', async (_, operations, said, place) => {
    const { answer, before, after } = await patch(parameters(...operations), json);
    expect(answer.status).toBe(422);
    expect(answer.json.issue[0]).toMatchObject({ expression: [place], diagnostics: expect.stringContaining(said) });
    expect(after).toEqual(before);
  });

  test('an invalid result is 422', async () => {
    const { json: created } = await server.a.request('POST', '/Observation', {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
    });
    const body = parameters(
      operation({ name: 'type', valueCode: 'delete' }, { name: 'path', valueString: 'Observation.status' }),
    );
    const answer = await server.a.request('PATCH', `/Observation/${created.id}`, body, json);
    expect(answer.status).toBe(422);
    expect(answer.json.issue[0].expression).toEqual(['Observation.status']);
  });

  test('another tenant has nothing to patch', async () => {
    const { json: created } = await server.a.request('POST', '/Patient', buildPatient());
    expect((await server.b.request('PATCH', `/Patient/${created.id}`, parameters(addDeceased), json)).status).toBe(404);
    expect((await server.a.request('GET', `/Patient/${created.id}`)).json.meta.versionId).toBe('1');
  });

  test('a resource that is no Parameters is 400', async () => {
    const { answer, before, after } = await patch(buildPatient(), json);
    expect(answer.status).toBe(400);
    expect(after).toEqual(before);
  });
});

describe('PATCH with JSON merge patch', () => {
  const type = { 'Content-Type': 'application/merge-patch+json' };

  test('makes the next version; null removes', async () => {
    const { answer, after } = await patch({ resourceType: 'Patient', active: false, gender: null }, type);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ active: false, meta: { versionId: '2' } });
    expect(answer.json).not.toHaveProperty('gender');
    expect(after).toEqual(answer.json);
  });

  test.each([
    [422, { id: 'another' }],
    [422, { meta: null }],
    [422, { name: null, birthDate: 'yesterday' }],
    [400, []],
  ])('is %i and changes nothing: %j', async (status, document) => {
    const { answer, before, after } = await patch(document, type);
    expect(answer.status).toBe(status);
    expect(after).toEqual(before);
  });
});

describe('PATCH by criteria: https://hl7.org/fhir/R4/http.html#patch', () => {
  const type = { 'Content-Type': 'application/merge-patch+json' };
  const identified = (value: string) => ({ ...buildPatient(), identifier: [{ system: 'urn:patch', value }] });
  const byCriteria = (value: string) =>
    server.a.request('PATCH', `/Patient?identifier=urn:patch|${value}`, { active: false }, type);

  test('changes the one that meets them', async () => {
    const { json } = await server.a.request('POST', '/Patient', identified('one'));
    const answer = await byCriteria('one');
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id: json.id, active: false, meta: { versionId: '2' } });
  });

  test('is 404 where none does, and 412 where several do', async () => {
    expect((await byCriteria('none')).status).toBe(404);
    await server.a.request('POST', '/Patient', identified('two'));
    await server.a.request('POST', '/Patient', identified('two'));
    expect((await byCriteria('two')).status).toBe(412);
  });

  test('never reaches another tenant', async () => {
    await server.b.request('POST', '/Patient', identified('theirs'));
    expect((await byCriteria('theirs')).status).toBe(404);
  });
});
