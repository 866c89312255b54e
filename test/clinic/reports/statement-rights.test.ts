// Whose statements who gets: the right to statements suffices for the account of a patient, a patient's own for patients (domain.md sections 4 and 5).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Account } from '@medplum/fhirtypes';
import type { Caller } from '../../../src/access/caller.ts';
import { createStatement } from '../../../src/clinic/reports/statement.ts';
import { inSession } from '../../../src/repository/session.ts';
import { clientOf } from '../../api/clients.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { defaultWorkflowSettings } from '../../support/workflow-settings.ts';
import { Till } from '../payments/till.ts';

let server: TestServer;
let till: Till;
let [adler, berg, merged]: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
  [adler, berg, merged] = [await charged(), await charged(), await charged()];
  const named = (name: string, reference: string | undefined) => ({ name, valueReference: { reference } });
  const parameter = [named('source-patient', merged), named('target-patient', adler)];
  const response = await server.a.request('POST', '/Patient/$merge', { resourceType: 'Parameters', parameter });
  expect(response.status).toBe(200);
});
afterAll(() => server.close());

async function charged(): Promise<string> {
  const patient = await till.patient();
  await till.invoice(patient, 100);
  return patient;
}

const statement = createStatement({
  settingsOf: () => defaultWorkflowSettings,
  print: async () => Buffer.from('%PDF'),
});

/** By the number of the account. */
async function asked(number: string, caller: Partial<Caller>, tenant = server.a): Promise<number> {
  const [account] = await till.search<Account>(`Account?identifier=${number}`);
  const full: Caller = {
    ...{ tenantId: tenant.id, clientId: 'desk', kind: 'staff', agent: { display: 'desk' }, grants: [] },
    ...{ roles: new Set(), operations: new Set(['$statement']), ...caller },
  };
  const inputs = new Map([['format', [{ value: 'json' }]]]);
  const call = { type: 'Account', id: String(account?.id), versionId: '', baseUrl: server.origin, inputs };
  return await inSession(server.app.repository, full, async (session) => {
    await statement.run(session, call);
    return 200;
  }).catch((error: { status: number }) => error.status);
}

test('whoever has the right has that of every patient, and no other account', async () => {
  for (const patient of [adler, berg, merged]) expect(await asked(`1200/${patient}`, {})).toBe(200);
  expect(await asked('1200', {})).toBe(422);
  expect(await asked(`1200/${adler}`, {}, server.b)).toBe(404);
});

test('whoever has neither the right nor Accounts has none', async () => {
  expect(await asked(`1200/${adler}`, { operations: new Set() })).toBe(403);
  const grants: Caller['grants'] = [{ context: 'user', type: 'Account', permissions: new Set(['r']) }];
  expect(await asked(`1200/${adler}`, { operations: new Set(), grants })).toBe(200);
});

test('a patient has the own alone, that of who was merged into it with it', async () => {
  const patient = (reference = ''): Partial<Caller>[] => [
    { kind: 'patient', fhirUser: reference },
    { kind: 'client', fhirUser: reference },
    { kind: 'staff', patient: reference.replace('Patient/', '') },
  ];
  for (const caller of patient(adler)) {
    expect(await asked(`1200/${adler}`, caller)).toBe(200);
    expect(await asked(`1200/${merged}`, caller)).toBe(200);
    expect(await asked(`1200/${berg}`, caller)).toBe(404);
  }
  expect(await asked(`1200/${adler}`, { kind: 'patient' })).toBe(404);
});

test('over HTTP too, for whom the account is no resource to be read (domain.md section 4)', async () => {
  const [account] = await till.search<Account>(`Account?identifier=1200/${adler}`);
  const status = async (role: string) => {
    const client = await clientOf(server, server.a, '', [role]);
    return (await client.request('GET', `/Account/${account?.id}/$statement?format=json`)).status;
  };
  expect(await status('front-desk')).toBe(200);
  expect(await status('nurse')).toBe(403);
  const desk = await clientOf(server, server.a, '', ['front-desk']);
  expect((await desk.request('GET', `/Account/${account?.id}`)).status).toBe(403);
});
