// A URL below the tenant's own base names the same resource as a relative reference, by every door: https://hl7.org/fhir/R4/references.html#literal

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { postEntry, sendBundle } from './bundle-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.a.request('PUT', '/Patient/p', { ...buildPatient(), id: 'p' });
});
afterAll(() => server.close());

const own = (reference: string) => `${server.a.baseUrl}/${reference}`;
const observation = (reference: string, more: object = {}) => ({ ...buildObservation(reference), ...more });

async function ids(path: string): Promise<string[]> {
  const { json } = await server.a.request('GET', path);
  return (json.entry ?? []).map((entry: { resource: { id: string } }) => entry.resource.id).sort();
}

describe('what is written with one', () => {
  test.each([
    ['create', (body: object) => server.a.request('POST', '/Observation', body)],
    ['update', (body: object) => server.a.request('PUT', '/Observation/updated', { ...body, id: 'updated' })],
    ['transaction', async (body: object) => await inTransaction(body)],
    ['patch', async (body: object) => await patched((body as { subject: object }).subject)],
  ])('by %s is stored relative, found and included', async (_, write) => {
    const { json } = await write(observation(own('Patient/p')));
    expect(json.subject).toEqual({ reference: 'Patient/p' });
    for (const subject of ['Patient/p', own('Patient/p')]) {
      expect(await ids(`/Observation?_id=${json.id}&subject=${encodeURIComponent(subject)}`)).toEqual([json.id]);
    }
    expect(await ids(`/Observation?_id=${json.id}&_include=Observation:subject`)).toEqual([json.id, 'p'].sort());
    expect(await ids(`/Patient/p/Observation?_id=${json.id}`)).toEqual([json.id]);
  });

  test('keeps its version, and those in extensions and contained resources too', async () => {
    const { json } = await server.a.request('POST', '/Observation', {
      ...observation(own('Patient/p/_history/1')),
      contained: [{ resourceType: 'Specimen', id: 's', subject: { reference: own('Patient/p') } }],
      extension: [{ url: 'http://example.org/seen-by', valueReference: { reference: own('Practitioner/d') } }],
      specimen: { reference: '#s' },
    });
    expect(json.subject.reference).toBe('Patient/p/_history/1');
    expect(json.contained[0].subject.reference).toBe('Patient/p');
    expect(json.extension[0].valueReference.reference).toBe('Practitioner/d');
    expect(json.specimen.reference).toBe('#s');
  });

  test('is held by the rules of references: a booked practitioner is busy, however he is named (S2-FR-S01)', async () => {
    const book = (practitioner: string) =>
      server.a.request('POST', '/Appointment', buildAppointment('Patient/p', practitioner));
    expect((await book(own('Practitioner/busy'))).status).toBe(201);
    expect((await book('Practitioner/busy')).status).toBe(409);
    expect((await book(own('Practitioner/busy'))).status).toBe(409);
  });
});

describe('what stays as it is', () => {
  test.each([
    [
      "another tenant's, which is as foreign as another server's (security.md 4)",
      () => `${server.b.baseUrl}/Patient/p`,
    ],
    ['one of another server', () => 'https://other.example/fhir/Patient/p'],
    ['a base that only begins alike', () => `${server.a.baseUrl}2/Patient/p`],
    ['what is no resource below the base', () => `${server.a.baseUrl}/metadata`],
  ])('%s', async (_, reference) => {
    const { json } = await server.a.request('POST', '/Observation', observation(reference()));
    expect(json.subject).toEqual({ reference: reference() });
    expect(await ids(`/Observation?_id=${json.id}&subject=Patient/p`)).toEqual([]);
  });

  test('a stored Bundle: its references mean its full URLs (bundle.html#references)', async () => {
    const entry = [
      { fullUrl: own('Patient/p'), resource: { ...buildPatient(), id: 'p' } },
      { fullUrl: own('Observation/o'), resource: { ...observation(own('Patient/p')), id: 'o' } },
    ];
    const { json } = await server.a.request('POST', '/Bundle', { resourceType: 'Bundle', type: 'collection', entry });
    expect(json.entry[1].resource.subject).toEqual({ reference: own('Patient/p') });
  });
});

async function inTransaction(body: object) {
  const { json } = await sendBundle(server.a, 'transaction', [postEntry(body as never)]);
  const [path] = json.entry[0].response.location.split('/_history/');
  return await server.a.request('GET', `/${path.slice(path.indexOf('Observation/'))}`);
}

async function patched(subject: object) {
  await server.a.request('PUT', '/Observation/patched', { ...observation('Patient/other'), id: 'patched' });
  return await server.a.request(
    'PATCH',
    '/Observation/patched',
    [{ op: 'replace', path: '/subject', value: subject }],
    {
      'Content-Type': 'application/json-patch+json',
    },
  );
}
