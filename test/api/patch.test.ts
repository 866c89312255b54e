// JSON Patch over HTTP: https://hl7.org/fhir/R4/http.html#patch

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

  test.each([
    [{}],
    [[{}]],
    [[null]],
    [[{ op: 'add' }]],
    [[{ op: 'become', path: '/active' }]],
    [[{ op: 'add', path: 'active', value: true }]],
    [[{ op: 'add', path: '/__proto__/polluted', value: true }]],
    [[{ op: 'copy', from: '/constructor/prototype', path: '/active' }]],
  ])('refuses what is no JSON Patch: %j', async (body) => {
    const { answer, before, after } = await patch(body);
    expect(answer.status).toBe(400);
    expect(after).toEqual(before);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

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

  test('needs its own media type', async () => {
    const { answer } = await patch([], { 'Content-Type': 'application/fhir+json' });
    expect(answer.status).toBe(415);
  });

  test('honours If-Match', async () => {
    const { answer } = await patch([{ op: 'add', path: '/active', value: true }], { 'If-Match': 'W/"9"' });
    expect(answer.status).toBe(412);
  });

  test('of what is not there is 404, of what was deleted 410', async () => {
    const type = { 'Content-Type': 'application/json-patch+json' };
    expect((await server.a.request('PATCH', '/Patient/unknown', [], type)).status).toBe(404);
    const { json } = await server.a.request('POST', '/Patient', buildPatient());
    await server.a.request('DELETE', `/Patient/${json.id}`);
    expect((await server.a.request('PATCH', `/Patient/${json.id}`, [], type)).status).toBe(410);
  });
});
