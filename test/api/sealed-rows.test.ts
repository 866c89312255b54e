// A stored body that was changed or moved is shown to nobody, named in the log, and takes nothing else along: security.md 1.10, fault 38

import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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
    await isDark(
      `/Patient/${one}`,
      new RegExp(`UnknownKeyVersionError.*Patient\\|${one}\\|2 of tenant ${a.id} does not open`),
    );
  });

  test.each([0, 20])('of which %i bytes are left', async (bytes) => {
    await sql('UPDATE store.resource SET content = substring(content FOR $2) WHERE id = $1', [one, bytes]);
    await isDark(`/Patient/${one}`, named(one, 2));
    await isDark('/Patient', named(one, 2));
    await sql('UPDATE store.resource SET deleted = true, content = NULL WHERE id = $1', [one]);
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

describe('an object', () => {
  const bytes = randomBytes(200_000);

  /** A Binary with its content, and the file that holds it. */
  async function store(): Promise<{ readonly id: string; readonly file: string }> {
    const headers = { Authorization: `Bearer ${a.token}`, 'Content-Type': 'image/png' };
    const url = `${server.origin}/t/${a.name}/fhir/Binary`;
    const answer = await fetch(url, { method: 'POST', headers, body: bytes });
    const id = /Binary\/([^/]+)/.exec(answer.headers.get('location') ?? '')?.[1] as string;
    const { rows } = await sql('SELECT object_id FROM store.resource WHERE id = $1', [id]);
    const object = (rows[0] as { object_id: string }).object_id;
    return { id, file: path.join(server.dataDir, 'objects', object.slice(-2), object.slice(-4, -2), object) };
  }

  const read = (id: string) =>
    fetch(`${server.origin}/t/${a.name}/fhir/Binary/${id}`, {
      headers: { Authorization: `Bearer ${a.token}`, Accept: 'image/png' },
    });
  const lines = () => server.logLines.slice(logged).join('');
  const namedObject = (id: string) =>
    new RegExp(`"level":50.*"tenant":"${a.name}".*of Binary\\|${id}\\|1 does not open`);

  test.each<readonly [string, (file: string) => void]>([
    ['that is gone', (file) => rmSync(file)],
    ['that is empty', (file) => truncateSync(file)],
    ['cut within its first frame', (file) => truncateSync(file, 1_000)],
    ['whose first frame has another key version', (file) => flipByte(file, 8)],
    ['whose first frame is far too long', (file) => flipByte(file, 0)],
  ])('%s is a 500, and the log names its Binary', async (_, damage) => {
    const { id, file } = await store();
    damage(file);
    expect((await read(id)).status).toBe(500);
    expect(lines()).toMatch(namedObject(id));
  });

  test('of another Binary is a 500, and the log names its Binary', async () => {
    const [{ id, file }, other] = [await store(), await store()];
    copyFileSync(other.file, file);
    expect((await read(id)).status).toBe(500);
    expect(lines()).toMatch(namedObject(id));
    expect((await read(other.id)).status).toBe(200);
  });

  test.each<readonly [string, (file: string) => void]>([
    ['cut behind its first frame', (file) => truncateSync(file, 150_000)],
    ['with a byte changed behind its first frame', (file) => flipByte(file, 150_000)],
  ])('%s breaks the answer off, and the log names its Binary once', async (_, damage) => {
    const { id, file } = await store();
    damage(file);
    const answer = await read(id);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    const requestId = answer.headers.get('x-request-id');
    const told = () => server.logLines.slice(logged).filter((line) => line.includes('connection failed'));
    expect((await read((await store()).id)).status).toBe(200);
    expect(told()).toEqual([expect.stringMatching(namedObject(id))]);
    expect(told()[0]).toContain(`"requestId":"${requestId}"`);
  });
});

function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}
