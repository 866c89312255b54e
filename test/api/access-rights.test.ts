// Rights on rows with real tokens over HTTP: scopes with constraints, emergencies, consents, requests in the background.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { observation, records } from '../attacks/records.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { clientOf, type TestClient } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const tenant of [server.a, server.b]) {
    const written = records.filter(({ resourceType }) => resourceType !== 'Provenance');
    const entry = written.map((resource) => ({
      ...{ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } },
    }));
    const { status } = await tenant.request('POST', '', { resourceType: 'Bundle', type: 'batch', entry });
    expect(status).toBe(200);
  }
});
afterAll(() => server.close());

const idsOf = ({ json }: TestResponse): string[] =>
  ((json as Bundle).entry ?? []).flatMap(({ resource }) => resource?.id ?? []).sort();

describe('a scope with a constraint', () => {
  const constrained = () => clientOf(server, server.a, 'system/Observation.rs?category=vital-signs system/Patient.rs');

  test('reaches what meets it, by every way to ask', async () => {
    const client = await constrained();
    expect((await client.request('GET', '/Observation/vital-p1')).status).toBe(200);
    expect((await client.request('GET', '/Observation/lab-p1')).status).toBe(404);
    expect(idsOf(await client.request('GET', '/Observation'))).toEqual(['vital-p1', 'vital-p2']);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect(idsOf(await client.request('POST', '/Observation/_search?_count=5', 'category=laboratory', form))).toEqual(
      [],
    );
    expect(idsOf(await client.request('GET', '/Patient?_id=p1&_revinclude=Observation:subject'))).toEqual([
      'p1',
      'vital-p1',
    ]);
    const xml = await client.request('GET', '/Observation/lab-p1', undefined, { Accept: 'application/fhir+xml' });
    expect([xml.status, xml.text.includes('laboratory')]).toEqual([404, false]);
    expect(idsOf(await client.request('GET', '/Observation/_history'))).toEqual(['vital-p1', 'vital-p2']);
  });

  test('holds in the background as well, whose answer is its client’s alone', async () => {
    const client = await constrained();
    const accepted = await client.request('GET', '/Observation', undefined, { Prefer: 'respond-async' });
    expect(accepted.status).toBe(202);
    const place = (accepted.headers.get('Content-Location') ?? '').split('/fhir')[1] ?? '';
    let answer = await client.request('GET', place);
    while (answer.status === 202) answer = await client.request('GET', place);
    expect(idsOf({ ...answer, json: answer.json.entry[0].resource })).toEqual(['vital-p1', 'vital-p2']);
    expect((await server.a.request('GET', place)).status).toBe(404);
  });
});

describe('X-Purpose-Of-Use: BTG', () => {
  const emergency = { 'X-Purpose-Of-Use': 'BTG' };

  test('without the right is 403, with it opens reading and is written down (security.md 38)', async () => {
    expect((await server.a.request('GET', '/Patient/p1', undefined, emergency)).status).toBe(403);
    const client = await clientOf(server, server.a, 'system/Organization.rs', ['system-admin']);
    expect((await client.request('GET', '/Observation/lab-p1')).status).toBe(403);
    expect((await client.request('GET', '/Observation/lab-p1', undefined, emergency)).status).toBe(200);
    expect((await client.request('DELETE', '/Observation/lab-p1', undefined, emergency)).status).toBe(403);
    const events = await server.a.request(
      'GET',
      '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM|110113',
    );
    const told = events.json.entry.map(({ resource: { agent, entity } }: { resource: AuditEvent }) => [
      ...[agent[0]?.who?.reference, agent[0]?.purposeOfUse?.[0]?.coding?.[0]?.code, agent[0]?.network?.address],
      ...[entity?.[0]?.what?.reference, atob(entity?.[0]?.query ?? '').split(' ')[0]],
    ]);
    expect(told).toEqual(
      ['DELETE', 'GET'].map((method) => [
        ...[`Device/${client.clientId}`, 'BTG', '127.0.0.1', 'Observation/lab-p1', method],
      ]),
    );
  });

  test('is read once and strictly', async () => {
    for (const value of ['btg', 'B T G', 'NONSENSE', 'PurposeOfUse', 'constructor', 'x'.repeat(100)])
      expect((await server.a.request('GET', '/Patient/p1', undefined, { 'X-Purpose-Of-Use': value })).status).toBe(400);
    expect((await server.a.request('GET', '/Patient/p1', undefined, { 'X-Purpose-Of-Use': 'TREAT' })).status).toBe(200);
  });
});

describe('a Consent that denies', () => {
  const until = async (client: TestClient, status: number) => {
    while ((await client.request('GET', '/Observation/lab-p2')).status !== status);
  };

  test('is in force once it is written, in its tenant, and no longer once it is deleted', async () => {
    const [client, other] = [
      await clientOf(server, server.a, 'system/*.rs'),
      await clientOf(server, server.b, 'system/*.rs'),
    ];
    const consent = {
      ...{ resourceType: 'Consent', id: 'deny', status: 'active', policyRule: { text: 'x' } },
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ text: 'privacy' }],
      patient: { reference: 'Patient/p2' },
      provision: {
        type: 'deny',
        actor: [{ role: { text: 'x' }, reference: { reference: `Device/${client.clientId}` } }],
      },
    };
    expect((await server.a.request('PUT', '/Consent/deny', consent)).status).toBe(201);
    await until(client, 404);
    expect(idsOf(await client.request('GET', '/Encounter'))).toEqual(['visit-p1']);
    expect((await server.a.request('GET', '/Observation/lab-p2')).status).toBe(200);
    expect((await other.request('GET', '/Observation/lab-p2')).status).toBe(200);
    expect((await server.a.request('PUT', '/Observation/lab-p2', observation('lab-p2', 'Patient/p2'))).status).toBe(
      200,
    );
    expect((await server.a.request('DELETE', '/Consent/deny')).status).toBe(204);
    await until(client, 200);
  });
});
