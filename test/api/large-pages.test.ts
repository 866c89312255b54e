// A page of large resources is refused in words before it fills the memory: security.md 87

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('resources that are too large together are too costly, and each is found on a page of its own', async () => {
  // A string has at most a million characters: https://hl7.org/fhir/R4/datatypes.html#string
  const extension = Array.from({ length: 40 }, () => ({ url: 'urn:large', valueString: 'x'.repeat(1_000_000) }));
  for (const id of ['large-1', 'large-2', 'large-3']) {
    const code = { text: 'large' };
    const answer = await server.a.request('PUT', `/Basic/${id}`, { resourceType: 'Basic', id, code, extension });
    expect(answer.status).toBe(201);
  }
  const together = await server.a.request('GET', '/Basic');
  expect(together.status).toBe(400);
  expect(together.json.issue[0]).toMatchObject({ code: 'too-costly', diagnostics: expect.stringContaining('_count') });
  const alone = await server.a.request('GET', '/Basic?_count=1');
  expect(alone.status).toBe(200);
  expect(alone.json.entry[0].resource.id).toBe('large-1');
}, 120_000);
