// With the setting references.check on, no answer tells whether something exists that the caller may not read (security.md 3 and 25).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeSetting } from '../../src/tenants/settings.ts';
import { clientOf, type TestClient } from '../api/clients.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let patient: string;
beforeAll(async () => {
  server = await startTestServer();
  await server.app.doors.tenantDoor(server.a.id, async (trx) => writeSetting(trx, 'references.check', true));
  patient = (await server.a.request('POST', '/Patient', { resourceType: 'Patient', active: true })).json.id;
  const missing = async () => (await server.a.request('POST', '/Observation', observation('nowhere'))).status;
  for (const end = Date.now() + 1_500; (await missing()) === 201 && Date.now() < end; );
}, 60_000);
afterAll(() => server.close());

const observation = (id: string) => ({
  ...{ resourceType: 'Observation', status: 'final', code: { text: 'x' } },
  subject: { reference: `Patient/${id}` },
});

/** What is answered, but for ids and times. */
async function answersOf(client: TestClient, write: (target: string) => Promise<{ status: number; text: string }>) {
  const shown = ({ status, text }: { status: number; text: string }) => [
    status,
    text.replace(/nowhere|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z/g, ''),
  ];
  return [shown(await write(patient)), shown(await write('nowhere')), client.clientId] as const;
}

describe('of a type that it may not read at all', () => {
  test.each(['system/Observation.cud', 'system/Observation.cruds', 'system/Observation.cruds system/Patient.cus'])(
    '%s: a reference passes whether there is such a patient or not',
    async (scope) => {
      const client = await clientOf(server, server.a, scope);
      const [there, nowhere] = await answersOf(client, (id) => client.request('POST', '/Observation', observation(id)));
      expect(there).toEqual(nowhere);
      expect(there[0]).toBe(201);
      const entry = (id: string) => [{ resource: observation(id), request: { method: 'POST', url: 'Observation' } }];
      const [inBundle, nowhereInBundle] = await answersOf(client, (id) =>
        client.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry: entry(id) }),
      );
      expect(inBundle).toEqual(nowhereInBundle);
    },
  );
});

test('of rows that it may not see: both are missing', async () => {
  const client = await clientOf(server, server.a, 'system/Observation.cruds system/Patient.rs?active=false');
  const [there, nowhere] = await answersOf(client, (id) => client.request('POST', '/Observation', observation(id)));
  expect(there).toEqual(nowhere);
  expect(there[0]).toBe(422);
});

test('what may be read must be there', async () => {
  const client = await clientOf(server, server.a, 'system/Observation.cruds system/Patient.r');
  const [there, nowhere] = await answersOf(client, (id) => client.request('POST', '/Observation', observation(id)));
  expect([there[0], nowhere[0]]).toEqual([201, 422]);
});
