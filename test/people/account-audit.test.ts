// Sign-ins, sign-outs and changed passwords leave AuditEvents, in the clinic they happened in (domain.md S4-M02, S5-F0; 45 CFR 164.312(b));
// what was refused is in test/smart/people-on-record.test.ts.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { accountActs, actOf } from '../../src/people/account-acts.ts';
import { createAccount } from '../../src/people/accounts.ts';
import { hashPassword } from '../../src/people/password.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { openBrowser, type Page } from '../smart/browser.ts';
import { publicUrl, startTestServer, type TestServer, type TestTenant } from '../support/server.ts';

const [email, password, nextPassword] = ['eva@clinic.example', 'seven kittens on a sofa', 'eight kittens on a sofa'];
const account = `${publicUrl}/t/clinic-a/account`;

const validate = createValidator(loadDefinitions());

let server: TestServer;
let id: string;
beforeAll(async () => {
  server = await startTestServer();
  const { keyRing, tenantDoor } = server.app.doors;
  const [cipher, passwordHash] = await Promise.all([keyRing.cipherOf(server.a.id), hashPassword(password)]);
  const details = { email, name: 'Eva Muster', roles: ['nurse'], passwordHash };
  ({ id } = await tenantDoor(server.a.id, (trx) => createAccount(trx, cipher, details)));
}, 60_000);
afterAll(() => server.close());

async function eventsOf(tenant: TestTenant, count: number): Promise<AuditEvent[]> {
  const path = '/AuditEvent?type=110114,110113&_sort=date&_count=100';
  for (const end = Date.now() + 20_000; ; await delay(50)) {
    const { entry = [] } = (await tenant.request('GET', path)).json as Bundle<AuditEvent>;
    // Those of the tokens that tests fetch have an entity, the request.
    const events = entry.flatMap(({ resource }) => (resource && !resource.entity ? [resource] : []));
    if (events.length >= count || Date.now() > end) return events;
  }
}

const kindOf = ({ subtype, outcome, agent }: AuditEvent) => [subtype?.[0]?.code, outcome, agent[0]?.altId];

test('each is told once, and of whom', async () => {
  const browser = openBrowser(server.origin);
  const login = await browser.get(account);
  const page: Page = await browser.submit(login, { email, password });
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const post = (path: string, form: object) =>
    browser.post(`${account}/${path}`, { csrf, ...form }, { origin: publicUrl });
  await post('password', { oldPassword: password, password: nextPassword });
  await post('sign-out', {});
  const events = await eventsOf(server.a, 3);
  expect(events.map(kindOf).sort()).toEqual(
    [
      ['110122', '0', id],
      ['110137', '0', id],
      ['110123', '0', id],
    ].sort(),
  );
  // It stands sealed in the outbox.
  for (const { agent, subtype } of events) {
    expect([subtype?.[0]?.code, agent[0]?.network]).toEqual([expect.any(String), { address: '127.0.0.1', type: '2' }]);
  }
  const keys = await server.app.doors.tenantDoor(server.a.id, (trx) =>
    trx.query<{ event_key: string }>({ text: "SELECT event_key FROM outbox WHERE topic = 'account.act'", values: [] }),
  );
  expect(keys.map(({ event_key: key }) => key).join()).not.toContain('127.0.0.1');
  for (const event of events) {
    // An account is none of R4's resources that an agent may be.
    expect([validate(event), event.agent[0]?.who]).toEqual([[], { display: 'Eva Muster' }]);
    expect(event.period?.start).toMatch(/^\d{4}-.*Z$/);
    expect(JSON.stringify(event)).not.toMatch(/kittens/);
  }
  expect(await eventsOf(server.b, 0)).toEqual([]);
}, 60_000);

test('a sign-out at the wish of an app tells from where, too', async () => {
  const browser = openBrowser(server.origin);
  await browser.submit(await browser.get(account), { email, password: nextPassword });
  await browser.submit(await browser.get(`${publicUrl}/t/clinic-a/logout`));
  const signedOut = (await eventsOf(server.a, 5)).filter(({ subtype: [kind] = [] }) => kind?.code === '110123');
  expect(signedOut.map(({ agent }) => agent[0]?.network?.address)).toEqual(['127.0.0.1', '127.0.0.1']);
});

test('an event key of another act is not taken for one of these', () => {
  const uuid = '0b0e3c1e-5a5f-4c39-9df5-3a8f3d1b9a10';
  for (const act of accountActs) expect(actOf(`account.${act}-${uuid}`)).toBe(act);
  for (const key of [`account.sign-in-more-${uuid}`, `account.unknown-${uuid}`, 'account.sign-in', '']) {
    expect(actOf(key)).toBeUndefined();
  }
});
