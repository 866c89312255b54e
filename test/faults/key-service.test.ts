// Fault 33: the keeper of the root key is away, at the start and while requests come: cached keys serve, then 503, never the clear text

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openDoors } from '../../src/doors.ts';
import { ensureSystemTenant } from '../../src/tenants/system-tenant.ts';
import { type AwsKmsServer, awsCredentials, startAwsKmsServer } from '../gateways/aws-kms-server.ts';
import { buildPatient } from '../support/builders.ts';
import { testKeys, withClient } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const cacheMs = 1_500;
let kms: AwsKmsServer;
let server: TestServer;
beforeAll(async () => {
  kms = await startAwsKmsServer();
  server = await startTestServer({ root: rootOf() });
});
afterAll(async () => {
  await server.close();
  await kms.close();
});

function rootOf() {
  const source = {
    kind: 'aws-kms',
    region: 'eu-central-1',
    prefix: 'hpms',
    credentials: () => awsCredentials,
  } as const;
  return { current: { ...source, endpoint: kms.url }, cacheMs };
}

/** What another process of the same installation has at its start. */
const open = (root: ReturnType<typeof rootOf> | undefined = rootOf()) =>
  openDoors({ databaseUrl: server.database.url, ...testKeys, root, onIdleError: () => undefined });

describe('while requests come', () => {
  test('keys in memory serve on; later every door says 503, writes nothing, and works again by itself', async () => {
    const { a, b } = server;
    const patient = (await a.request('POST', '/Patient', buildPatient())).json.id;
    const path = `/Patient/${patient}`;
    kms.isDown = true;
    expect((await a.request('GET', path)).status).toBe(200);
    let refused = await a.request('GET', path);
    for (; refused.status !== 503; refused = await a.request('GET', path)) {
      expect(refused.status).toBe(200);
      await delay(20);
    }
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]$/);
    expect(refused.json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'transient' }] });
    expect(refused.text).not.toMatch(/Muster|aws|kms|127\.0/);
    while ((await b.request('GET', '/Patient?family=Muster')).status !== 503) await delay(20);
    for (const [method, where, body] of [
      ['POST', '/Patient', buildPatient()],
      ['PUT', path, { ...buildPatient(), id: patient }],
      ['DELETE', path, undefined],
      ['GET', '/Patient', undefined],
      ['GET', `${path}/_history`, undefined],
    ] as const) {
      expect([method, (await a.request(method, where, body)).status]).toEqual([method, 503]);
    }
    expect(server.logLines.join('')).toMatch(/KeyServiceError.*aws-kms:eu-central-1 does not answer/);
    expect(server.logLines.join('')).not.toContain('Muster');
    const { rows } = await withClient(server.database.url, (client) =>
      client.query('SELECT version_id, deleted FROM store.resource WHERE tenant_id = $1', [a.id]),
    );
    expect(rows).toEqual([{ version_id: 1, deleted: false }]);
    kms.isDown = false;
    while ((await a.request('GET', path)).status !== 200) await delay(20);
    expect((await a.request('PUT', path, { ...buildPatient(), id: patient })).status).toBe(200);
  });
});

describe('at the start', () => {
  test('a process that cannot reach the keeper of its root key does not begin, and says which', async () => {
    const doors = open();
    await ensureSystemTenant(doors);
    await doors.close();
    kms.isDown = true;
    const late = open();
    await expect(ensureSystemTenant(late)).rejects.toThrow(
      'The server cannot work: aws-kms:eu-central-1 does not answer.',
    );
    await late.close();
    kms.isDown = false;
    const again = open();
    await ensureSystemTenant(again);
    await again.close();
  });

  test('a process with another root key does not begin, and says which it needs', async () => {
    const doors = openDoors({ databaseUrl: server.database.url, ...testKeys, onIdleError: () => undefined });
    await expect(ensureSystemTenant(doors)).rejects.toThrow(
      /^The server cannot work: The data key 1 of tenant \d+ does not open under aws-kms:eu-central-1\/hpms: this process has not been given that root key\.$/,
    );
    await doors.close();
  });
});
