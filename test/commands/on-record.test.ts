// What `npm run admin` changes for the system or a tenant is on record where its auditors look (README, System administration).

import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent, BundleEntry } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { checkResource } from '../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../src/validation/profiles/registry.ts';
import { runCommand } from '../support/run-command.ts';
import { fetchToken, send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let token: string;
let clientId: string;
let secret: string;
beforeAll(async () => {
  server = await startTestServer();
  ({ clientId, clientSecret: secret } = JSON.parse(await run('create-system-client', 'Night shift')));
  token = await fetchToken(server.origin, 'system', clientId, secret);
}, 60_000);
afterAll(() => server.close());

/** Each command is a process, of which a loaded machine starts one in seconds. */
const timeoutMs = 120_000;

const registry = createRegistry(loadDefinitions(), ownDefinitions());

async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand('admin', args, server.database.url);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

/** The events of an act, each valid by its profile and the operator's. */
async function eventsOf(act: string, tenant = 'system', bearer = token): Promise<AuditEvent[]> {
  const url = `${server.origin}/t/${tenant}/fhir/AuditEvent?subtype=${act}`;
  const { json } = await send(url, 'GET', undefined, { Authorization: `Bearer ${bearer}` });
  const events = (json.entry ?? []).map(({ resource }: BundleEntry) => resource as AuditEvent) as AuditEvent[];
  for (const event of events) {
    expect(checkResource(registry, event, { profiles: event.meta?.profile ?? [] })).toEqual([]);
    expect(event.agent[0]?.who?.display).toBe('Operator (npm run admin)');
  }
  return events;
}

const entitiesOf = ({ entity = [] }: AuditEvent) =>
  entity.map(({ what }) => what?.reference ?? what?.identifier?.value);

test('create-system-client, with the client that was made', async () => {
  const events = await eventsOf('createSystemClient');
  expect(events.map(entitiesOf)).toEqual([[`Device/${clientId}`]]);
  expect(events[0]?.action).toBe('C');
  expect(JSON.stringify(events)).not.toContain(secret);
});

test(
  'create-tenant, in the tenant and in the system',
  async () => {
    const made = JSON.parse(await run('create-tenant', 'recorded'));
    expect((await eventsOf('createTenant')).map(entitiesOf)).toEqual([['recorded']]);
    const own = await fetchToken(server.origin, 'recorded', made.clientId, made.clientSecret);
    expect((await eventsOf('createTenant', 'recorded', own)).map(entitiesOf)).toEqual([['recorded']]);
  },
  timeoutMs,
);

test(
  'rotate-root',
  async () => {
    await run('rotate-root');
    expect((await eventsOf('rotateRootKey')).map(({ outcome, action }) => [outcome, action])).toEqual([['0', 'U']]);
  },
  timeoutMs,
);

test(
  'import-terminology, in the tenant it is for, or in the system for all',
  async () => {
    const rxnorm = path.join(import.meta.dirname, '../terminology/slices/rxnorm');
    await run('import-terminology', '--system', 'rxnorm', rxnorm, '--tenant', 'clinic-a');
    const events = await eventsOf('importTerminology', 'clinic-a', server.a.token);
    expect(events.map(entitiesOf)).toEqual([['terminology/rxnorm']]);
    expect(await eventsOf('importTerminology')).toEqual([]);
    await run('import-terminology', '--system', 'rxnorm', rxnorm, '--shared');
    expect((await eventsOf('importTerminology')).map(entitiesOf)).toEqual([['terminology/rxnorm']]);
  },
  timeoutMs,
);
