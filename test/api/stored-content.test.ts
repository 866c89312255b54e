// What is stored can be read again and resolved: no character that XML cannot hold, no conditional reference outside of a transaction.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expressionsOf, postEntry, putEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known', identifier: [identifier] });
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const identifier = { system: 'http://mrn', value: '42' };
const xml = { Accept: 'application/fhir+xml' };
const basic = (valueString: string, more: object = {}) => ({
  resourceType: 'Basic',
  code: { text: 'x' },
  extension: [{ url: 'http://example.org/x', valueString }],
  ...more,
});
const totalOf = async (path: string) => (await server.a.request('GET', path)).json.total as number;

describe.each(['\uffff', '\ufffe'])(
  'a character that XML cannot hold is 422 before anything is done: %j',
  (character) => {
    const text = `a${character}b`;

    test('in a create and an update, whatever format is asked for', async () => {
      const before = await totalOf('/Basic');
      for (const headers of [xml, { Accept: 'application/fhir+json' }]) {
        expect((await server.a.request('POST', '/Basic', basic(text), headers)).status).toBe(422);
        const updated = await server.a.request('PUT', '/Basic/odd', basic(text, { id: 'odd' }), headers);
        expect(updated.status).toBe(422);
      }
      expect(await totalOf('/Basic')).toBe(before);
    });

    test('in a transaction and a batch', async () => {
      const before = await totalOf('/Basic');
      const entries = [postEntry(basic('fine')), postEntry(basic(text))];
      expect((await sendBundle(server.a, 'transaction', entries, xml)).status).toBe(422);
      expect(await totalOf('/Basic')).toBe(before);
      expect(statusesOf(await sendBundle(server.a, 'batch', entries))).toEqual(['201', '422']);
    });
  },
);

describe('a conditional reference that no transaction has resolved is 422', () => {
  const reference = 'Patient?identifier=http://mrn|42';
  const observation = buildObservation(reference);
  const place = 'Observation.subject.reference';

  test('in a create, an update and a conditional update', async () => {
    const created = await server.a.request('POST', '/Observation', observation);
    const updated = await server.a.request('PUT', '/Observation/o1', { ...observation, id: 'o1' });
    const conditional = await server.a.request('PUT', '/Observation?identifier=urn:x|1', observation);
    for (const answer of [created, updated, conditional]) {
      expect([answer.status, expressionsOf(answer)]).toEqual([422, [place]]);
      expect(answer.text).toContain('transaction');
    }
    expect(await totalOf('/Observation')).toBe(0);
  });

  test('in a patch of each kind', async () => {
    const stored = buildObservation('Patient/known');
    await server.a.request('PUT', '/Observation/patched', { ...stored, id: 'patched' });
    const part = [
      { name: 'type', valueCode: 'replace' },
      { name: 'path', valueString: 'Observation.subject' },
      { name: 'value', valueReference: { reference } },
    ];
    const patches = [
      ['application/json-patch+json', [{ op: 'replace', path: '/subject/reference', value: reference }]],
      ['application/merge-patch+json', { subject: { reference } }],
      ['application/fhir+json', { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] }],
    ] as const;
    for (const [type, patch] of patches) {
      const answer = await server.a.request('PATCH', '/Observation/patched', patch, { 'Content-Type': type });
      expect([answer.status, expressionsOf(answer)]).toEqual([422, [place]]);
    }
    await server.a.request('DELETE', '/Observation/patched');
  });

  test('in a batch; a transaction stores what it means', async () => {
    const entries = [postEntry(observation), putEntry({ ...observation, id: 'o2' })];
    expect(statusesOf(await sendBundle(server.a, 'batch', entries))).toEqual(['422', '422']);
    const answer = await sendBundle(server.a, 'transaction', entries);
    expect(statusesOf(answer)).toEqual(['201', '201']);
    expect((await server.a.request('GET', '/Observation/o2')).json.subject).toEqual({ reference: 'Patient/known' });
  });

  test('in a resource inside of another one, but not in a stored transaction', async () => {
    const bundle = (type: string) => ({
      resourceType: 'Bundle',
      type,
      entry: [{ resource: observation, ...(type === 'transaction' && postEntry(observation)) }],
    });
    expect((await server.a.request('POST', '/Bundle', bundle('collection'))).status).toBe(422);
    expect((await server.a.request('POST', '/Bundle', bundle('transaction'))).status).toBe(201);
    const contained = [{ ...observation, id: 'c' }];
    const holder = basic('x', { contained, subject: { reference: 'Patient/known' } });
    const held = { ...holder, extension: [{ url: 'http://example.org/x', valueReference: { reference: '#c' } }] };
    expect((await server.a.request('POST', '/Basic', held)).status).toBe(422);
  });

  test('and $validate says so', async () => {
    const { status, json } = await server.a.request('POST', '/Observation/$validate', observation);
    expect([status, json.issue[0].severity, json.issue[0].expression]).toEqual([200, 'error', [place]]);
  });
});
