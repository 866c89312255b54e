// A stored body that was changed or moved is shown to nobody, named in the log, and takes nothing else along: security.md 1.10, fault 38

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { make } from './custom-parameters.ts';

let server: TestServer;
let a: TestTenant;
let b: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
});
afterAll(() => server.close());

let one: string;
let other: string;
let ofB: string;
/** Lines of the log that are of earlier tests. */
let logged: number;
beforeEach(async () => {
  [one, other, ofB] = (await Promise.all([a, a, b].map((tenant) => make(tenant, { ...buildPatient() })))) as [
    string,
    string,
    string,
  ];
  await a.request('PUT', `/Patient/${one}`, { ...buildPatient({ gender: 'other' }), id: one });
  logged = server.logLines.length;
});

const sql = (text: string, values: readonly unknown[]) =>
  withClient(server.database.url, (client) => client.query(text, [...values]));

/** The damage is in one row; what is asked fails, and what is not concerned works. */
async function isDark(path: string, named: RegExp): Promise<void> {
  const answer = await a.request('GET', path);
  expect([answer.status, answer.json.issue[0].code]).toEqual([500, 'exception']);
  expect(answer.text).not.toMatch(/Muster|Patient\|/);
  const log = server.logLines.slice(logged).join('');
  expect(log).toMatch(named);
  expect(log).not.toContain('Muster');
  expect((await a.request('GET', `/Patient/${other}`)).status).toBe(200);
  expect((await b.request('GET', `/Patient/${ofB}`)).status).toBe(200);
}

/** XOR of one byte of the content. */
const flip = (at: string) =>
  sql(`UPDATE store.resource SET content = set_byte(content, ${at}, get_byte(content, ${at}) # 1) WHERE id = $1`, [
    one,
  ]);

const named = (id: string, version: number) =>
  new RegExp(`SealedBoxError.*Patient\\|${id}\\|${version} of tenant ${a.id} does not open`);

describe('a body', () => {
  test.each([
    ['format', '0'],
    ['IV', '8'],
    ['text', '30'],
    ['tag', 'length(content) - 1'],
  ])('with a bit flipped in its %s', async (_part, at) => {
    await flip(at);
    await isDark(`/Patient/${one}`, named(one, 2));
    await isDark('/Patient', named(one, 2));
    await sql('UPDATE store.resource SET deleted = true, content = NULL WHERE id = $1', [one]);
  });

  test('with a bit flipped in its key version', async () => {
    await flip('4');
    await isDark(`/Patient/${one}`, /UnknownKeyVersionError.*Data key version \d+ of tenant \d+ is missing/);
  });

  test('moved to another id', async () => {
    await sql('UPDATE store.resource SET content = (SELECT content FROM store.resource WHERE id = $2) WHERE id = $1', [
      one,
      other,
    ]);
    await isDark(`/Patient/${one}`, named(one, 2));
  });

  test('moved from another version of its own', async () => {
    await sql('UPDATE store.resource SET content = (SELECT content FROM store.history WHERE id = $1) WHERE id = $1', [
      one,
    ]);
    await isDark(`/Patient/${one}`, named(one, 2));
    expect((await a.request('GET', `/Patient/${one}/_history/1`)).status).toBe(200);
  });

  test('moved from another tenant, also with its id', async () => {
    await sql(
      'UPDATE store.resource SET id = $1, content = (SELECT content FROM store.resource WHERE id = $2) WHERE id = $3',
      ['moved', ofB, one],
    );
    await isDark('/Patient/moved', named('moved', 2));
  });
});
