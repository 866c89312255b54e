// Who may say that a visit is billed elsewhere: the tag `no-billing` is for imports, not for those who would pay (contract.md 7).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientOf, type TestClient } from '../../api/clients.ts';
import { current, type Json, made, newPatient, put } from '../../api/invoice-world.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

const tag = [{ system: 'https://hpms.example/fhir/CodeSystem/tag', code: 'no-billing' }];
const tagged = { meta: { tag } };

let server: TestServer;
let patient: string;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  patient = await newPatient(server.a);
});
afterAll(() => server.close());

let hours = 0;

/** Each an hour after the one before. */
function visit(more: Json = {}) {
  hours += 1;
  const at = (minutes: number) => new Date(Date.UTC(2027, 0, 4, hours, minutes)).toISOString();
  return {
    ...{ resourceType: 'Appointment', status: 'booked', start: at(0), end: at(30) },
    participant: [patient, 'Practitioner/p1'].map((reference) => ({ actor: { reference }, status: 'accepted' })),
    ...more,
  };
}

const metaAdd = (who: Pick<TestClient, 'request'>, id: string) =>
  who.request('POST', `/Appointment/${id}/$meta-add`, {
    resourceType: 'Parameters',
    parameter: [{ name: 'meta', valueMeta: { tag } }],
  });

describe.each<readonly [string, () => string]>([
  ['patient', () => patient],
  ['front-desk', () => 'Practitioner/desk'],
  ['nurse', () => 'Practitioner/nurse'],
  ['provider', () => 'Practitioner/p1'],
])('who holds the role %s', (role, fhirUser) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await clientOf(server, server.a, '', [role], fhirUser());
  });

  test('adds the tag by no door: POST, PUT, PATCH, bundle, $meta-add and $book are 403', async () => {
    const booked = await made(server.a, visit());
    const patch = [{ op: 'add', path: '/meta/tag', value: tag }];
    const entry = [{ request: { method: 'PUT', url: `Appointment/${booked.id}` }, resource: { ...booked, ...tagged } }];
    const given = { name: 'appointment-resource', resource: visit(tagged) };
    const answers = [
      await client.request('POST', '/Appointment', visit(tagged)),
      await put(client, booked, tagged),
      await client.request('PATCH', `/Appointment/${booked.id}`, patch, {
        'Content-Type': 'application/json-patch+json',
      }),
      await client.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }),
      await metaAdd(client, booked.id),
      await client.request('POST', '/Appointment/$book', { resourceType: 'Parameters', parameter: [given] }),
    ];
    expect(answers.map(({ status, json }) => [status, json.issue[0].code])).toEqual(
      answers.map(() => [403, 'forbidden']),
    );
    expect((await current(server.a, booked)).meta.versionId).toBe('1');
  });

  test('changes what an administrator has tagged, and keeps the tag', async () => {
    const imported = await made(server.a, visit(tagged));
    expect((await put(client, imported, { comment: 'by phone' })).json.meta.tag).toEqual(tag);
  });
});

test('a system and a clinic administrator add it', async () => {
  const system = await clientOf(server, server.a, 'system/Appointment.crus');
  const admin = await clientOf(server, server.a, '', ['clinic-admin'], 'Practitioner/admin');
  for (const who of [system, admin]) {
    expect((await made(who, visit(tagged))).meta.tag).toEqual(tag);
    const booked = await made(who, visit());
    expect((await metaAdd(who, booked.id)).status).toBe(200);
  }
});
