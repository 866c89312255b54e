// The demo's patient is somebody: the account opens the records of its own Patient, and an account without one opens nobody's (security.md 26).

import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { may } from '../../src/access/may.ts';
import { rowRule } from '../../src/access/row-rule.ts';
import { type App, startApp } from '../../src/app.ts';
import { type DemoFacts, furnishDemo } from '../../src/demo-tenant.ts';
import { type Account, findAccountByEmail } from '../../src/people/accounts.ts';
import { rightsOfRoles } from '../../src/people/role-rights.ts';
import { identityOf } from '../../src/smart/person.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fetchToken, send, testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

let database: TestDatabase;
let app: App;
let facts: DemoFacts;
let tenantId: number;
const dataDir = makeTemporaryFolder();
beforeAll(async () => {
  database = await createTestDatabase();
  const config = testConfig(dataDir, 0);
  app = await startApp({
    ...{ config, databaseUrl: database.url, does: { api: true, jobs: false }, log: pino({ level: 'silent' }) },
    onFatal(error) {
      throw error;
    },
  });
  facts = (await furnishDemo(config, app)) as DemoFacts;
  const rows = await app.doors.systemDoor((trx) =>
    trx.query<{ id: number }>({ text: "SELECT id FROM tenant WHERE name = 'demo'", values: [] }),
  );
  tenantId = rows[0]?.id as number;
}, 60_000);
afterAll(async () => {
  await app.close();
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function callerOf(account: Account) {
  const { grants } = await app.doors.tenantDoor(tenantId, (trx) => rightsOfRoles(trx, account.roles));
  return { ...identityOf(tenantId, account, 'app'), grants };
}

test('the account of the demo’s patient reaches the own rows alone', async () => {
  const cipher = await app.doors.keyRing.cipherOf(tenantId);
  const account = (await app.doors.tenantDoor(tenantId, (trx) =>
    findAccountByEmail(trx, cipher, 'patient@example.org'),
  )) as Account;
  const caller = await callerOf(account);
  expect([caller.kind, caller.fhirUser]).toEqual(['patient', 'Patient/paul-sample']);
  expect(rowRule(caller, 's', 'Appointment')).toEqual([
    expect.arrayContaining([{ kind: 'patient', id: 'paul-sample' }]),
  ]);
  const { practitioner: _, ...without } = account;
  const nobody = await callerOf(without);
  expect(nobody.kind).toBe('patient');
  for (const type of ['Appointment', 'Patient', 'Observation']) expect(may(nobody, 'r', type)).toBe(false);
  expect(may(nobody, 's', 'Slot')).toBe(true);
});

test('and its Patient is there, with a number as all have', async () => {
  const origin = `http://127.0.0.1:${app.port}`;
  const { clientId, clientSecret } = JSON.parse(readFileSync(facts.file, 'utf8'));
  const token = await fetchToken(origin, 'demo', clientId, clientSecret);
  const { status, json } = await send(`${origin}/t/demo/fhir/Patient/paul-sample`, 'GET', undefined, {
    Authorization: `Bearer ${token}`,
  });
  expect([status, json.identifier?.[0]?.value]).toEqual([200, expect.stringMatching(/^PAT-\d{4}-00001$/)]);
});
