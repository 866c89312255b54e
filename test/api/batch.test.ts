// A batch over HTTP: every entry for itself: https://hl7.org/fhir/R4/http.html#transaction

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  deleteEntry,
  type Entry,
  getEntry,
  placeOf,
  postEntry,
  putEntry,
  sendBundle,
  statusesOf,
} from './bundle-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const batch = (...entry: Entry[]) => sendBundle(server.a, 'batch', entry);
const get = (path: string) => server.a.request('GET', path);

describe('a batch', () => {
  test('does what it can, and each failing entry has its own status and OperationOutcome in its place', async () => {
    const answer = await batch(
      postEntry(buildPatient({ name: [{ family: 'Batched' }] })),
      postEntry({ ...buildPatient(), gender: 'unknowable' }),
      putEntry({ ...buildPatient(), id: 'batch-1' }),
      getEntry('Patient/not-there'),
      deleteEntry('Patient/not-there-either'),
      putEntry({ ...buildPatient(), id: 'batch-1' }, { ifMatch: 'W/"9"' }),
      getEntry('Patient?family=Batched'),
      null,
      { request: { method: 'GET', url: 7 } },
      { ...putEntry({ ...buildPatient(), id: 'batch-2' }), request: { method: 'PUT', url: 'Patient/batch-3' } },
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'batch-response' });
    expect(statusesOf(answer)).toEqual(['201', '422', '201', '404', '204', '412', '200', '400', '400', '400']);
    for (const index of [1, 3, 5, 7, 8, 9]) {
      const { response, resource } = answer.json.entry[index];
      expect(resource).toBeUndefined();
      expect(response.outcome.resourceType).toBe('OperationOutcome');
      expect(response.outcome.issue[0].severity).toBe('error');
    }
    expect(answer.json.entry[6].resource).toMatchObject({ type: 'searchset', total: 1 });
    expect((await get(`/${placeOf(answer, 0)}`)).status).toBe(200);
  });

  test("names the element of a failing entry's own resource", async () => {
    const answer = await batch(postEntry(buildPatient()), postEntry({ ...buildPatient(), gender: 'unknowable' }));
    expect(answer.json.entry[1].response.outcome.issue[0].expression).toEqual(['Patient.gender']);
  });

  test('runs its entries in their order: a later one sees what an earlier one wrote', async () => {
    const answer = await batch(
      getEntry('Patient/in-order'),
      putEntry({ ...buildPatient(), id: 'in-order' }),
      getEntry('Patient/in-order'),
      deleteEntry('Patient/in-order'),
      getEntry('Patient/in-order'),
    );
    expect(statusesOf(answer)).toEqual(['404', '201', '200', '204', '410']);
  });

  test('may write one resource twice, for its entries do not know each other', async () => {
    const patient = { ...buildPatient(), id: 'twice' };
    expect(statusesOf(await batch(putEntry(patient), putEntry(patient)))).toEqual(['201', '200']);
  });

  test('resolves no links between entries, and full URLs may repeat', async () => {
    const fullUrl = 'urn:uuid:00000000-0000-4000-8000-000000000001';
    const answer = await batch(
      postEntry(buildPatient(), fullUrl),
      postEntry(buildPatient(), fullUrl),
      postEntry(buildObservation(fullUrl)),
    );
    expect(statusesOf(answer)).toEqual(['201', '201', '201']);
    expect(answer.json.entry[2].resource.subject.reference).toBe(fullUrl);
  });

  test("leads nowhere outside its tenant's base (security.md 13)", async () => {
    await server.b.request('PUT', '/Patient/of-b', { ...buildPatient(), id: 'of-b' });
    const urls = [
      `${server.b.baseUrl}/Patient/of-b`,
      '../../clinic-b/fhir/Patient/of-b',
      '//x/Patient/of-b',
      '/Patient/of-b',
    ];
    const answer = await batch(...urls.map(getEntry), getEntry('Patient/of-b'));
    expect(statusesOf(answer)).toEqual(['400', '400', '400', '400', '404']);
    expect(answer.text).not.toContain('Muster');
  });

  test('keeps the exact text of decimals, entry by entry', async () => {
    const entry = (value: string) =>
      `{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${value}}},"request":{"method":"POST","url":"Observation"}}`;
    const answer = await server.a.request(
      'POST',
      '',
      `{"resourceType":"Bundle","type":"batch","entry":[${entry('1.10')},{},${entry('7.000')}]}`,
    );
    expect((await get(`/${placeOf(answer, 0)}`)).text).toContain('"value":1.10}');
    expect((await get(`/${placeOf(answer, 2)}`)).text).toContain('"value":7.000}');
  });

  test('of 10,001 entries is 413 (security.md 87)', async () => {
    const answer = await batch(...Array.from({ length: 10_001 }, () => ({})));
    expect(answer.status).toBe(413);
    expect(answer.json.issue[0].expression).toEqual(['Bundle.entry']);
  });
});
