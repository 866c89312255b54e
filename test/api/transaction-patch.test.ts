// What a patch brings into a transaction is resolved like what a POST holds: https://hl7.org/fhir/R4/http.html#trules

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Entry, expressionsOf, placeOf, postEntry, putEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { expectNoFailure } from './refusals.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const transaction = (...entry: Entry[]) => sendBundle(server.a, 'transaction', entry);
const get = async (path: string) => (await server.a.request('GET', path)).json;
const uuid = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const person = (value?: string) => ({
  ...buildPatient(),
  ...(value && { identifier: [{ system: 'urn:patched', value }] }),
});

/** Stored beforehand. */
async function stored(id: string, content: object = {}) {
  const basic = { resourceType: 'Basic', id, code: { text: 'x' }, ...content };
  const { status, text } = await server.a.request('PUT', `/Basic/${id}`, basic);
  expect([status, text]).toEqual([201, text]);
}

type Patched = (id: string, reference: string) => Entry;

const entryOf = (id: string, resource: object) => ({ resource, request: { method: 'PATCH', url: `Basic/${id}` } });

function binaryOf(contentType: string, patch: unknown) {
  return { resourceType: 'Binary', contentType, data: Buffer.from(JSON.stringify(patch)).toString('base64') };
}

function subjectAdded(valueReference: object) {
  const parts = [
    { name: 'type', valueCode: 'add' },
    { name: 'path', valueString: 'Basic' },
    { name: 'name', valueString: 'subject' },
    { name: 'value', valueReference },
  ];
  return { resourceType: 'Parameters', parameter: [{ name: 'operation', part: parts }] };
}

/** The three kinds, each of which gives the Basic this subject. */
const kinds: readonly (readonly [string, Patched])[] = [
  ['a FHIRPath Patch', (id, reference) => entryOf(id, subjectAdded({ reference }))],
  [
    'a JSON Patch',
    (id, reference) => {
      const patch = [
        { op: 'add', path: '/subject', value: {} },
        { op: 'add', path: '/subject/reference', value: reference },
      ];
      return entryOf(id, binaryOf('application/json-patch+json', patch));
    },
  ],
  [
    'a merge patch',
    (id, reference) => entryOf(id, binaryOf('application/merge-patch+json', { subject: { reference } })),
  ],
];

describe.each(kinds)('%s', (kind, patched) => {
  const name = kind.replaceAll(' ', '-');

  test.each([uuid(4), 'http://other.example/fhir/Patient/4', `${uuid(4)}/_history/1`])(
    'names another entry by its full URL: %s',
    async (reference) => {
      const id = `${name}-${reference.replaceAll(/[^A-Za-z0-9]/g, '-').slice(-20)}`;
      await stored(id);
      const fullUrl = reference.replace('/_history/1', '');
      const answer = await transaction(patched(id, reference), postEntry(person(), fullUrl));
      expect([answer.status, statusesOf(answer)]).toEqual([200, ['200', '201']]);
      expect(answer.json.entry[0].resource.subject).toEqual({ reference: placeOf(answer, 1) });
      expect((await get(`/Basic/${id}`)).subject).toEqual({ reference: placeOf(answer, 1) });
      expect((await get(`/Basic?subject=${placeOf(answer, 1)}`)).total).toBe(1);
    },
  );

  test('names nothing by a urn:uuid that no entry has: 400, and nothing is done', async () => {
    const id = `${name}-none`;
    await stored(id);
    const answer = await transaction(patched(id, uuid(5)), postEntry(person(), uuid(4)));
    expect([answer.status, expressionsOf(answer)]).toEqual([400, ['Bundle.entry[0].resource.subject']]);
    expect((await get(`/Basic/${id}`)).meta.versionId).toBe('1');
  });

  test('has a conditional reference with one match, in the bundle or stored before', async () => {
    const id = `${name}-one`;
    await stored(id);
    const stands = await server.a.request('POST', '/Patient', person(`${name}-before`));
    const before = await transaction(patched(id, `Patient?identifier=urn:patched|${name}-before`));
    expect(before.json.entry[0].resource.subject).toEqual({ reference: `Patient/${stands.json.id}` });

    await stored(`${id}-new`);
    const comes = [
      patched(`${id}-new`, `Patient?identifier=urn:patched|${name}-now`),
      postEntry(person(`${name}-now`)),
    ];
    const answer = await transaction(...comes);
    expect((await get(`/Basic/${id}-new`)).subject).toEqual({ reference: placeOf(answer, 1) });
  });

  test('has a conditional reference with none and with several: 412', async () => {
    const id = `${name}-several`;
    await stored(id);
    const reference = `Patient?identifier=urn:patched|${id}`;
    const none = await transaction(patched(id, reference));
    expect([none.status, expressionsOf(none)]).toEqual([412, ['Bundle.entry[0].resource.subject']]);
    const several = await transaction(patched(id, reference), postEntry(person(id)), postEntry(person(id)));
    expect(several.status).toBe(412);
    expect((await get(`/Basic/${id}`)).meta.versionId).toBe('1');
  });
});

describe('what a patch does not bring', () => {
  const other = 'http://other.example/fhir/Patient/7';
  const extension = [
    { url: 'http://example.org/a', valueUri: uuid(8) },
    { url: 'http://example.org/b', valueReference: { reference: uuid(9) } },
    { url: 'http://example.org/c', valueReference: { reference: 'Patient/7' } },
  ];

  test('stays as it is: a urn:uuid of no entry, a uri and a reference of another base', async () => {
    await stored('kept', { extension });
    const patch = { ...(entryOf('kept', subjectAdded({ reference: other })) as object), fullUrl: `${other}/x` };
    const base = { ...patch, fullUrl: 'http://other.example/fhir/Basic/kept' };
    const answer = await transaction(base, postEntry(person(), other), postEntry(person(), uuid(8)));
    expect([answer.status, statusesOf(answer)]).toEqual([200, ['200', '201', '201']]);
    const { subject, extension: kept } = await get('/Basic/kept');
    expect([subject, kept]).toEqual([{ reference: placeOf(answer, 1) }, extension]);
  });

  test('and a reference that it brings is read below the base of its own full URL', async () => {
    await stored('based');
    const base = {
      ...(entryOf('based', subjectAdded({ reference: 'Patient/7' })) as object),
      fullUrl: 'http://other.example/fhir/Basic/based',
    };
    const answer = await transaction(base, postEntry(person(), other));
    expect((await get('/Basic/based')).subject).toEqual({ reference: placeOf(answer, 1) });
  });
});

describe('together with other entries', () => {
  test('the patched resource can be named, by its full URL and by criteria', async () => {
    await stored('named', { identifier: [{ system: 'urn:patched', value: 'named' }] });
    const fullUrl = 'http://other.example/fhir/Basic/named';
    const patch = { ...(entryOf('named', subjectAdded({ reference: uuid(4) })) as object), fullUrl };
    const list = {
      resourceType: 'List',
      id: 'names',
      status: 'current',
      mode: 'working',
      entry: [{ item: { reference: fullUrl } }, { item: { reference: 'Basic?identifier=urn:patched|named' } }],
    };
    const answer = await transaction(patch, putEntry(list), postEntry(person(), uuid(4)));
    expect([answer.status, statusesOf(answer)]).toEqual([200, ['200', '201', '201']]);
    const items = (await get('/List/names')).entry.map(({ item }: { item: { reference: string } }) => item.reference);
    expect(items).toEqual(['Basic/named', 'Basic/named']);
    expect((await get('/Basic/named')).subject).toEqual({ reference: placeOf(answer, 2) });
  });

  test('a patch by criteria is resolved too', async () => {
    await stored('by-criteria', { identifier: [{ system: 'urn:patched', value: 'by-criteria' }] });
    const patch = {
      resource: subjectAdded({ reference: uuid(4) }),
      request: { method: 'PATCH', url: 'Basic?identifier=urn:patched|by-criteria' },
    };
    const answer = await transaction(patch, postEntry(person(), uuid(4)));
    expect((await get('/Basic/by-criteria')).subject).toEqual({ reference: placeOf(answer, 1) });
  });
});
