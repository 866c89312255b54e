// `npm run admin` beside the running server, and `npm run migrate`, as processes: what they make and print (README, Start; contract.md 2).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { suspendTenant } from '../../src/tenants/tenant-status.ts';
import { openBrowser, titleOf } from '../smart/browser.ts';
import { type Ended, runCommand } from '../support/run-command.ts';
import { fetchToken, send, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

function run(command: string, ...args: readonly string[]): Promise<Ended> {
  return runCommand(command, args, server.database.url, { PUBLIC_URL: 'http://hpms.test' });
}

test('migrate says that the database is up to date, and has made the system tenant', async () => {
  const { code, stdout } = await run('migrate');
  expect([code, stdout.includes('up to date')]).toEqual([0, true]);
  const { rows } = await server.app.doors.systemDoor(async (trx) => ({
    rows: await trx.query({ text: "SELECT status FROM tenant WHERE name = 'system'" }),
  }));
  expect(rows).toEqual([{ status: 'active' }]);
});

describe('create-tenant', () => {
  test('prints how to reach a tenant that is furnished and whose client may do everything', async () => {
    const { code, stdout } = await run('admin', 'create-tenant', 'printed');
    const facts = JSON.parse(stdout);
    expect([code, facts]).toEqual([
      0,
      {
        fhirBaseUrl: 'http://hpms.test/t/printed/fhir',
        tokenUrl: 'http://hpms.test/t/printed/token',
        tenant: 'printed',
        clientId: expect.any(String),
        clientSecret: expect.any(String),
      },
    ]);
    const token = await fetchToken(server.origin, 'printed', facts.clientId, facts.clientSecret);
    const ask = (url: string) =>
      send(`${server.origin}/t/printed/${url}`, 'GET', undefined, { Authorization: `Bearer ${token}` });
    expect((await ask('fhir/Account?_summary=count')).json.total).toBe(28);
    expect((await ask('admin/staff')).status).toBe(200);
  });

  test.each([
    ['clinic-a', 'There is already a tenant with the name clinic-a.'],
    ['system', "The name system is that of the system's own tenant."],
    ['Upper', "A tenant's name is 1 to 63 small letters"],
  ])('%s is refused in a sentence', async (name, sentence) => {
    const { code, stderr } = await run('admin', 'create-tenant', name);
    expect([code, stderr.startsWith(sentence)]).toEqual([1, true]);
  });
});

test('create-system-client makes the system tenant where it is missing, and a client that may use /admin', async () => {
  for (const args of [[], ['Night shift']]) {
    const { stdout } = await run('admin', 'create-system-client', ...args);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ tenant: 'system', adminUrl: 'http://hpms.test/admin' });
    const token = await fetchToken(server.origin, 'system', facts.clientId, facts.clientSecret);
    const answer = await send(`${server.origin}/admin/tenants`, 'GET', undefined, { Authorization: `Bearer ${token}` });
    expect(answer.status).toBe(200);
  }
});

test.each(['', ' ', 'a\nb', 'x'.repeat(201)])(
  'create-system-client refuses the name %j: AuditEvents would have it',
  async (name) => {
    const { code, stdout, stderr } = await run('admin', 'create-system-client', name);
    expect([code, stdout, stderr]).toEqual([1, '', 'The name of a client is one line of 1 to 200 characters.\n']);
  },
);

test('a tenant that is suspended is named as that, not as one that is not there', async () => {
  expect((await run('admin', 'create-tenant', 'resting')).code).toBe(0);
  await suspendTenant(server.app.doors.systemDoor, 'resting');
  const { code, stderr } = await run('admin', 'rotate-key', 'data', '--tenant', 'resting');
  expect([code, stderr]).toEqual([1, 'The tenant resting is suspended; resume it first.\n']);
});

test.each([[['--x']], [['--port', 'abc']], [['--port', '70000']]])(
  'sample-app %j is refused in a sentence',
  async (args) => {
    const { code, stderr } = await run('sample-app', ...args);
    expect([code, stderr]).toEqual([1, 'Use: npm run sample-app [-- --port NUMBER]\n']);
  },
);

describe('invite', () => {
  const email = 'first@clinic.example';
  const post = (path: string, body: object) =>
    send(`${server.origin}/t/clinic-a/admin${path}`, 'POST', body, {
      Authorization: `Bearer ${server.a.token}`,
      'Content-Type': 'application/json',
    });

  test('prints the link with which an account without a password gets one, once', async () => {
    const made = await post('/staff', { email, name: 'First', roles: [] });
    expect(made.status).toBe(201);
    const { code, stdout } = await run('admin', 'invite', email, '--tenant', 'clinic-a');
    const link = stdout.trim();
    expect([code, link]).toEqual([
      0,
      expect.stringMatching(/^http:\/\/hpms\.test\/t\/clinic-a\/account\/invitation\?token=[\w-]{43}$/),
    ]);
    const { json } = await server.a.request(
      'GET',
      `/AuditEvent?entity=Person/${made.json.id}&subtype=makeInvitationLink`,
    );
    expect(json.entry.map(({ resource }: { resource: AuditEvent }) => resource.agent[0]?.who?.display)).toEqual([
      'Operator (npm run admin)',
    ]);
    expect(JSON.stringify(json)).not.toContain(link.slice(-43));
    const browser = openBrowser(server.origin);
    const page = await browser.get(link);
    expect(titleOf(page)).toBe('Welcome');
    expect(titleOf(await browser.submit(page, { password: 'seven kittens on a sofa' }))).toBe('Your password is saved');
    expect((await browser.get(link)).status).toBe(410);
  });

  test.each([
    [['first@clinic.example', '--tenant', 'clinic-a'], 1, 'This account has a password'],
    [['nobody@clinic.example', '--tenant', 'clinic-a'], 1, 'There is no active account'],
    [['first@clinic.example', '--tenant', 'clinic-b'], 1, 'There is no active account'],
    [['first@clinic.example', '--tenant', 'nowhere'], 1, 'There is no tenant nowhere.'],
    [['first@clinic.example'], 2, 'Usage:'],
    [['first@clinic.example', '--tenant'], 2, 'Usage:'],
    [['first@clinic.example', '--tenant', 'clinic-a', '--force'], 2, 'Usage:'],
  ] as const)('%j is refused in a sentence', async (args, status, sentence) => {
    const { code, stdout, stderr } = await run('admin', 'invite', ...args);
    expect([code, stdout, stderr.startsWith(sentence)]).toEqual([status, '', true]);
  });
});

test.each(['help', '--help'])('%s is answered where answers are read', async (asked) => {
  const { code, stdout, stderr } = await run('admin', asked);
  expect([code, stdout.startsWith('Usage:'), stderr]).toEqual([0, true, '']);
});

test('an unknown command prints the usage', async () => {
  const { code, stderr } = await run('admin', 'create-system-client', 'one', 'two');
  expect([code, stderr.startsWith('Usage:')]).toEqual([2, true]);
});
