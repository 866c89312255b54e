// A tenant gets another data or index key while it is read, searched and written: issue 8, Privacy; security.md 1.10, fault 33

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { serverCaller } from '../../src/access/caller.ts';
import { type App, startApp } from '../../src/app.ts';
import { rotateKey } from '../../src/commands/keys.ts';
import { keyVersionOf } from '../../src/crypto/sealed-box.ts';
import { reencrypt, rotateDataKey, rotateIndexKey } from '../../src/repository/reindex/rotate-keys.ts';
import { inSession, type Session } from '../../src/repository/session.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { send, startTestServer, type TestServer, type TestTenant, testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { idsFound, isIndexed, make, statusOf } from './custom-parameters.ts';

let server: TestServer;
let other: App;
let a: TestTenant;
let b: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  ({ a, b } = server);
  // A second process; only what the database tells it makes it learn of other keys.
  other = await startApp({
    config: testConfig(makeTemporaryFolder(), 0),
    databaseUrl: server.database.url,
    does: { api: true, jobs: false },
    onFatal: () => undefined,
    log: pino({ level: 'silent' }),
  });
});
afterAll(async () => {
  await other.close();
  await server.close();
});

const inTenant = <T>({ id }: TestTenant, work: (session: Session) => Promise<T>) =>
  inSession(server.app.repository, serverCaller(id, 'Operator'), work);

const rowsOf = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
  (await withClient(server.database.url, (client) => client.query<Row>(text, [...values]))).rows;

/** In the other process, with the same token. */
const elsewhere = (tenant: TestTenant, method: string, path: string, body?: object) =>
  send(`http://127.0.0.1:${other.port}/t/${tenant.name}/fhir${path}`, method, body, {
    Authorization: `Bearer ${tenant.token}`,
  });

const text = { url: 'http://example.org/text', valueString: 'x'.repeat(600_000) };
const weight = { value: 80, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' };

/** Of every way in which a body is stored, and everything that has tokens. */
async function fill(tenant: TestTenant): Promise<string> {
  const patient = await make(tenant, { ...buildPatient(), identifier: [{ system: 'urn:mrn', value: '1' }] });
  await tenant.request('PUT', `/Patient/${patient}`, {
    ...buildPatient(),
    id: patient,
    identifier: [{ system: 'urn:mrn', value: '2' }],
  });
  await make(tenant, { ...buildObservation(`Patient/${patient}`), valueQuantity: weight });
  await make(tenant, { ...buildPatient({ extension: [text, text] }) });
  await make(tenant, { resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' });
  const gone = await make(tenant, { ...buildPatient() });
  await tenant.request('DELETE', `/Patient/${gone}`);
  return patient;
}

interface Stored {
  readonly key: string;
  readonly state: string;
  readonly content: Buffer | null;
  readonly object_id: string | null;
}

const currentOf = ({ id }: TestTenant) =>
  rowsOf<Stored>(
    `SELECT type || '/' || id AS key, concat_ws(' ', version_id, last_updated, tx, deleted) AS state, content, object_id
     FROM store.resource WHERE tenant_id = $1 ORDER BY 1`,
    [id],
  );

/** What must never be written again. */
const keptOf = ({ id }: TestTenant) =>
  rowsOf<{ content: string }>(
    `SELECT md5(content) AS content FROM store.history WHERE tenant_id = $1
     UNION ALL SELECT md5(content) FROM store.audit_event WHERE tenant_id = $1 ORDER BY 1`,
    [id],
  );

const versionsOf = (rows: readonly Stored[]) =>
  [...new Set(rows.flatMap(({ content }) => (content ? [keyVersionOf(content)] : [])))].sort();

describe('the data key', () => {
  test('is another one for whatever is written next, by every process, and what was there stays readable', async () => {
    const patient = await fill(a);
    await fill(b);
    const [before, ofB] = [await currentOf(a), await currentOf(b)];
    await elsewhere(a, 'GET', `/Patient/${patient}`);
    const request = { purpose: 'data', reencrypts: false } as const;
    const said = await rotateKey(server.app.repository, { ...a, display: '' }, request);
    expect(said).toBe('clinic-a writes under data key 2, from now on.');
    const [here, there] = await Promise.all([
      a.request('POST', '/Patient', buildPatient()),
      elsewhere(a, 'POST', '/Patient', buildPatient()),
    ]);
    expect([here.status, there.status]).toEqual([201, 201]);
    const after = await currentOf(a);
    for (const row of after) {
      const isNew = !before.some(({ key }) => key === row.key);
      if (row.content) expect([row.key, keyVersionOf(row.content)]).toEqual([row.key, isNew ? 2 : 1]);
    }
    expect(after.length).toBe(before.length + 2);
    expect((await a.request('GET', `/Patient/${there.json.id}`)).status).toBe(200);
    expect((await elsewhere(a, 'GET', `/Patient/${patient}/_history/1`)).json.identifier[0].value).toBe('1');
    expect(await currentOf(b)).toEqual(ofB);
  });

  test('is that of all current rows when that is asked for: no version, time or ETag changes, nothing earlier is touched', async () => {
    const [before, kept, ofB] = [await currentOf(a), await keptOf(a), await currentOf(b)];
    const tags = await Promise.all(
      before.map(async ({ key }) => (await a.request('GET', `/${key}`)).headers.get('etag')),
    );
    await inTenant(a, (session) => reencrypt(session));
    await isIndexed(a);
    expect((await statusOf(a, 'run'))[0]).toMatchObject({ reason: 'data-key', state: 'done' });
    const after = await currentOf(a);
    expect(after.map(({ key, state }) => [key, state])).toEqual(before.map(({ key, state }) => [key, state]));
    expect(versionsOf(before)).toEqual([1, 2]);
    expect(versionsOf(after)).toEqual([2]);
    for (const [index, row] of after.entries()) {
      if (row.object_id !== null) expect(row.object_id).not.toBe(before[index]?.object_id);
      const read = await a.request('GET', `/${row.key}`);
      expect([read.status, read.headers.get('etag')]).toEqual([row.state.endsWith(' t') ? 410 : 200, tags[index]]);
    }
    const texts = (await keptOf(a)).map(({ content }) => content);
    for (const { content } of kept) expect(texts).toContain(content);
    expect(await currentOf(b)).toEqual(ofB);
    // Once more there is nothing to do: no row is written.
    await inTenant(a, (session) => reencrypt(session));
    await isIndexed(a);
    expect(await currentOf(a)).toEqual(after);
  });
});

interface Tokens {
  readonly where: string;
  readonly token: string;
}

/** Of AuditEvents those that their groups stand for, too. */
const tokensOf = async ({ id }: TestTenant): Promise<Set<string>> => {
  const rows = await rowsOf<Tokens>(
    `SELECT 'resource' AS where, unnest(tokens)::text AS token FROM store.resource WHERE tenant_id = $1
     UNION SELECT 'audit_event', named.token::text FROM store.audit_event CROSS JOIN unnest(tokens) AS named (token)
       WHERE tenant_id = $1 AND NOT EXISTS (
         SELECT FROM store.audit_token_group g WHERE g.tenant_id = audit_event.tenant_id AND g.token = named.token)
     UNION SELECT 'audit_event', unnest(tokens)::text FROM store.audit_token_group WHERE tenant_id = $1
     UNION SELECT 'range_value', unit::text FROM store.range_value WHERE tenant_id = $1`,
    [id],
  );
  return new Set(rows.map(({ where, token }) => `${where} ${token}`));
};

const usesOf = ({ id }: TestTenant) =>
  rowsOf<{ version: number; use: string }>(
    "SELECT version, use FROM store.tenant_key WHERE tenant_id = $1 AND purpose = 'index' ORDER BY 1",
    [id],
  );

describe('the index key', () => {
  /** All of it must be found at any moment. */
  const searches = [
    '/Patient?identifier=urn:mrn|2',
    '/Patient?family=Muster',
    '/Observation?value-quantity=gt79|http://unitsofmeasure.org|kg',
    '/AuditEvent?action=D',
  ];
  const counts = (tenant: TestTenant) =>
    Promise.all(searches.map(async (path) => (await idsFound(tenant, path)).length));

  test('is another one while searches go on, and no token under the one before is left', async () => {
    const [old, ofB, before] = [await tokensOf(a), await tokensOf(b), await currentOf(a)];
    const expected = await counts(a);
    expect(Math.min(...expected)).toBeGreaterThan(0);
    let isOver = false;
    let rounds = 0;
    async function keepSearching(): Promise<void> {
      while (!isOver) {
        const found = await counts(a);
        expect(found.map((count, index) => count >= (expected[index] as number))).toEqual(searches.map(() => true));
        const value = `made-${rounds++}`;
        const by =
          rounds % 2 === 0
            ? elsewhere
            : (tenant: TestTenant, ...rest: [string, string, object]) => tenant.request(...rest);
        const made = await by(a, 'POST', '/Patient', { ...buildPatient(), identifier: [{ system: 'urn:mrn', value }] });
        expect(made.status).toBe(201);
        expect(await idsFound(a, `/Patient?identifier=urn:mrn|${value}`)).toEqual([made.json.id]);
        const again = await elsewhere(a, 'GET', `/Patient?identifier=urn:mrn|${value}`);
        expect(again.json.entry).toHaveLength(1);
      }
    }
    const searching = keepSearching();

    expect(await inTenant(a, rotateIndexKey)).toBe(2);
    await expect(inTenant(a, rotateIndexKey)).rejects.toMatchObject({ status: 409 });
    const isSwitched = async () => (await usesOf(a)).some(({ version, use }) => version === 2 && use === 'asked');
    while (!(await isSwitched())) await Promise.race([delay(20), searching]);
    expect(await usesOf(a)).toEqual([
      { version: 1, use: 'written' },
      { version: 2, use: 'asked' },
    ]);
    const both = await tokensOf(a);
    for (const token of old) expect(both).toContain(token);

    // A minute later, when no process can still ask by the key before.
    await rowsOf('UPDATE store.reindex SET begins_at = now() WHERE tenant_id = $1', [a.id]);
    await a.request('POST', '/$reindex', { resourceType: 'Parameters' });
    await Promise.race([isIndexed(a), searching]);
    isOver = true;
    await searching;
    expect(rounds).toBeGreaterThan(0);
    expect(await usesOf(a)).toEqual([
      { version: 1, use: 'kept' },
      { version: 2, use: 'asked' },
    ]);
    const fresh = await tokensOf(a);
    expect([...old].filter((token) => fresh.has(token))).toEqual([]);
    expect(fresh.size).toBeGreaterThanOrEqual(old.size);
    const after = await currentOf(a);
    for (const row of before) expect(after).toContainEqual(row);
    expect(await tokensOf(b)).toEqual(ofB);
    expect(await counts(b)).toEqual(expected.map((_, index) => [1, 2, 1, 1][index]));
  });

  test('of before stays for what must be unique: nobody is signed out, and no lock is missed', async () => {
    const [cipher] = await Promise.all([inTenant(a, async (session) => session.cipher)]);
    expect(cipher.fixedTokenOf('account.email|a@b')).not.toBe(cipher.tokenOf('account.email|a@b'));
    expect(cipher.alsoTokenOf).toBeUndefined();
    const both = await Promise.all(
      [1, 2].map(() =>
        send(
          `${server.origin}/t/${a.name}/fhir/Patient`,
          'POST',
          { ...buildPatient(), identifier: [{ value: 'once' }] },
          { Authorization: `Bearer ${a.token}`, 'If-None-Exist': 'identifier=once' },
        ),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
  });

  test("tokens of AuditEvents can be written by nobody else, and nothing else of them by the reindex's role", async () => {
    const [event] = await rowsOf<{ id: string }>('SELECT id FROM store.audit_event WHERE tenant_id = $1 LIMIT 1', [
      a.id,
    ]);
    const { tenantDoor, reindexDoor } = server.app.doors;
    const update = (set: string) => ({ text: `UPDATE audit_event SET ${set} WHERE id = $1`, values: [event?.id] });
    await expect(tenantDoor(a.id, async (trx) => trx.execute(update("tokens = '{}'")))).rejects.toThrow(
      'permission denied',
    );
    for (const set of ["content = ''", 'last_updated = now()', "id = 'x'", 'tenant_id = 1']) {
      await expect(reindexDoor(a.id, async (trx) => trx.execute(update(set)))).rejects.toThrow('permission denied');
    }
    await expect(reindexDoor(a.id, async (trx) => trx.execute({ text: 'DELETE FROM audit_event' }))).rejects.toThrow(
      'permission denied',
    );
    await expect(
      reindexDoor(a.id, async (trx) => trx.execute({ text: 'SELECT content FROM audit_event' })),
    ).rejects.toThrow('permission denied');
    // Another tenant's event is not there for it.
    await reindexDoor(b.id, async (trx) => trx.execute(update("tokens = '{}'")));
    const asOwner = withClient(server.database.url, (client) =>
      client.query("UPDATE store.audit_event SET tokens = '{}' WHERE id = $1", [event?.id]),
    );
    await expect(asOwner).rejects.toThrow('written once and never changed');
    const [row] = await rowsOf<{ tokens: string[] }>('SELECT tokens FROM store.audit_event WHERE id = $1', [event?.id]);
    expect(row?.tokens.length).toBeGreaterThan(0);
  });
});

test('another data key is heard of by a process that only signs people in, and has no session of its own', async () => {
  const { keyRing } = other.doors;
  expect((await keyRing.cipherOf(b.id)).dataKeyVersion).toBe(1);
  expect(await inTenant(b, rotateDataKey)).toBe(2);
  while ((await keyRing.cipherOf(b.id)).dataKeyVersion < 2) await delay(10);
});
