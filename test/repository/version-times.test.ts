// Versions of a resource are in the order of time, whatever the clocks of the processes say: https://hl7.org/fhir/R4/http.html#history

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let nowMs = Date.now();
beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(nowMs) });
});
afterAll(() => server.close());

test('a version that a slower clock makes is not older than the one it replaces', async () => {
  const created = await server.a.request('PUT', '/Patient/timed', { ...buildPatient(), id: 'timed' });
  nowMs -= 5_000;
  const updated = await server.a.request('PUT', '/Patient/timed', { ...buildPatient(), id: 'timed', gender: 'other' });
  expect(updated.json.meta).toEqual({ versionId: '2', lastUpdated: created.json.meta.lastUpdated });
  const read = await server.a.request('GET', '/Patient/timed');
  expect(read.headers.get('Last-Modified')).toBe(new Date(created.json.meta.lastUpdated).toUTCString());
  const history = await server.a.request('GET', '/Patient/_history');
  expect(
    history.json.entry.map(({ resource }: { resource: { meta: { versionId: string } } }) => resource.meta.versionId),
  ).toEqual(['2', '1']);
});
