// The row of a read is fetched while its access token is used for the first time: it saves a round trip and tells nobody anything (security.md 2, 7, 62).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { TenantDoor } from '../../src/database/tenant-transaction.ts';
import { blocksOnly } from '../support/blocks-only.ts';
import { withClient } from '../support/database.ts';
import { recordingDoor } from '../support/recording-door.ts';
import { fetchToken, send, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

let server: TestServer;
let patientId: string;
/** Names of the statements on resources. */
const asked: string[] = [];
/** How many of the next statements fail. */
let failures = 0;

beforeAll(async () => {
  // Nothing but the requests themselves asks for anything.
  server = await startTestServer({ openTrail: blocksOnly, does: { api: true, jobs: false } });
  const created = await server.a.request('POST', '/Patient', { resourceType: 'Patient', name: [{ family: 'Ahead' }] });
  patientId = created.json.id;
  const { repository } = server.app;
  Object.assign(repository, { tenantDoor: failingDoor(recordingDoor(repository.tenantDoor, asked)) });
});
afterAll(() => server.close());
beforeEach(() => {
  asked.length = 0;
});

function failingDoor(door: TenantDoor): TenantDoor {
  return async (...all) => {
    if (failures === 0) return await door(...all);
    failures -= 1;
    throw new Error('The database was away for a moment.');
  };
}

const freshToken = ({ name, clientId, clientSecret } = server.a) =>
  fetchToken(server.origin, name, clientId, clientSecret);
const read = (token: string, path = `/Patient/${patientId}`, { name }: TestTenant = server.a) =>
  send(`${server.origin}/t/${name}/fhir${path}`, 'GET', undefined, { Authorization: `Bearer ${token}` });
const alter = (text: string, values: unknown[] = []) =>
  withClient(server.database.url, (client) => client.query(text, values));

describe('who may read', () => {
  test('is answered from the row that was fetched: it is not asked for twice', async () => {
    const token = await freshToken();
    const first = await read(token);
    expect([first.status, first.json.name, asked]).toEqual([200, [{ family: 'Ahead' }], ['read']]);
    expect((await read(token)).text).toBe(first.text);
    expect(asked).toEqual(['read', 'read']);
  });

  test('sees a change that was made before, and one that comes after', async () => {
    const body = { resourceType: 'Patient', id: patientId, name: [{ family: 'Ahead' }] };
    for (const gender of ['female', 'male']) {
      await server.a.request('PUT', `/Patient/${patientId}`, { ...body, gender });
      const token = await freshToken();
      expect((await read(token)).json.gender).toBe(gender);
      await server.a.request('PUT', `/Patient/${patientId}`, { ...body, gender: 'other' });
      expect((await read(token)).json.gender).toBe('other');
    }
  });

  test('is answered though the row could not be fetched', async () => {
    const token = await freshToken();
    failures = 1;
    expect((await read(token)).status).toBe(200);
    expect(failures).toBe(0);
  });

  test('gets 404 for what is not there, of another tenant, no id, no type', async () => {
    const paths = [`/Patient/${patientId}`, '/Patient/none', '/Patient/a_b', '/Nothing/1'];
    for (const path of paths) expect((await read(await freshToken(server.b), path, server.b)).status).toBe(404);
    expect(asked).toEqual(['read', 'read']);
  });
});

describe('who may not read is told nothing of it', () => {
  test('without the scope: 403', async () => {
    const url = `${server.origin}/t/${server.a.name}/admin/clients`;
    const wanted = { name: 'Narrow', grantTypes: ['client_credentials'], scope: 'system/Observation.rs' };
    const made = await send(url, 'POST', wanted, { Authorization: `Bearer ${server.a.token}` });
    const { clientId, clientSecret } = made.json;
    const answer = await read(await fetchToken(server.origin, server.a.name, clientId, clientSecret));
    expect([answer.status, answer.text.includes('Ahead')]).toEqual([403, false]);
  });

  test('without a token, or with one that cannot be of here: 401, and nothing is fetched', async () => {
    const url = `${server.origin}/t/clinic-a/fhir/Patient/${patientId}`;
    for (const authorization of ['', 'Bearer', 'Bearer a.b.c', `Bearer ${'x'.repeat(500)}`]) {
      expect((await send(url, 'GET', undefined, { Authorization: authorization })).status).toBe(401);
    }
    expect(asked).toEqual([]);
  });

  test('of a suspended tenant: 401, and nothing is fetched', async () => {
    const [known, unused] = [await freshToken(server.b), await freshToken(server.b)];
    const path = '/Patient/none';
    const setStatus = (status: string) =>
      alter("UPDATE store.tenant SET status = $1 WHERE name = 'clinic-b'", [status]);
    await setStatus('suspended');
    try {
      while ((await read(known, path, server.b)).status !== 401);
      asked.length = 0;
      expect((await read(unused, path, server.b)).status).toBe(401);
      expect(asked).toEqual([]);
    } finally {
      await setStatus('active');
    }
  });

  test('with a revoked token: 401, no record of an access, and the next ones of these cost no row', async () => {
    const tokens = await Promise.all(Array.from({ length: 4 }, () => freshToken()));
    await alter('DELETE FROM store.access_token');
    const countRecords = async () => (await alter('SELECT count(*) FROM store.audit_event')).rows;
    const before = await countRecords();
    for (const token of tokens) {
      const { status, json, text } = await read(token);
      expect([status, json.resourceType]).toEqual([401, 'OperationOutcome']);
      expect(text).not.toContain('Ahead');
    }
    expect(asked.length).toBeLessThan(tokens.length);
    expect(await countRecords()).toEqual(before);
  });
});
