// Administrators who wait for their turn keep nobody else waiting: transactions never wait for connections (README, Decisions).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTurns } from '../../src/http/admin-turns.ts';
import { TurnTaken } from '../../src/people/last-administrator.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let other: pg.Client;
beforeAll(async () => {
  server = await startTestServer();
  other = new pg.Client({ connectionString: server.database.url });
  await other.connect();
}, 60_000);
afterAll(async () => {
  await other.end();
  await server.close();
});

let count = 0;
const makeRole = (headers: Record<string, string> = {}) => {
  count += 1;
  const body = JSON.stringify({ slug: `role-${count}`, name: 'Role', grants: ['user/Patient.rs'] });
  const json = { 'Content-Type': 'application/json', ...headers };
  return server.a.request('POST', '/../admin/roles', body, json);
};

test('forty changes wait for another process: no connection waits, and everybody else is answered', async () => {
  await other.query('SELECT pg_advisory_lock(4710003, $1)', [server.a.id]);
  const plain = Array.from({ length: 20 }, () => makeRole());
  const keyed = Array.from({ length: 20 }, (_, n) => makeRole({ 'Idempotency-Key': `key-${n}` }));
  // As many as there are connections, so that one that waits would be missed.
  const patients = await Promise.all(
    Array.from({ length: 32 }, (_, n) =>
      (n % 2 === 0 ? server.a : server.b).request('POST', '/Patient', { resourceType: 'Patient' }),
    ),
  );
  expect(new Set(patients.map(({ status }) => status))).toEqual(new Set([201]));
  const { rows } = await other.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
  expect(rows).toEqual([]);
  await other.query('SELECT pg_advisory_unlock(4710003, $1)', [server.a.id]);
  const answers = await Promise.all([...plain, ...keyed]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
}, 30_000);

test('the same key at once, while the turn is taken, takes effect once', async () => {
  await other.query('SELECT pg_advisory_lock(4710003, $1)', [server.a.id]);
  count += 1;
  const body = JSON.stringify({ slug: `once-${count}`, name: 'Role', grants: [] });
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'once' };
  const asked = [0, 1, 2].map(() => server.a.request('POST', '/../admin/roles', body, headers));
  await server.b.request('GET', '/Patient');
  await other.query('SELECT pg_advisory_unlock(4710003, $1)', [server.a.id]);
  const answers = await Promise.all(asked);
  expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [201, answers[0]?.text]));
});

test('reading waits for nobody', async () => {
  await other.query('SELECT pg_advisory_lock(4710003, $1)', [server.a.id]);
  expect((await server.a.request('GET', '/../admin/roles')).status).toBe(200);
  await other.query('SELECT pg_advisory_unlock(4710003, $1)', [server.a.id]);
});

test('each tenant has turns of its own; a hundred may wait, and the next is 429', async () => {
  const inTurn = createTurns();
  const began: number[] = [];
  let finish = () => {};
  const open = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const work = (tenantId: number) => async () => {
    began.push(tenantId);
    await open;
    return tenantId;
  };
  const waiting = Array.from({ length: 100 }, () => inTurn(1, work(1)));
  await expect(inTurn(1, work(1))).rejects.toMatchObject({ status: 429, retryAfterSeconds: 1 });
  const elsewhere = inTurn(2, work(2));
  await Promise.resolve();
  expect(began.sort()).toEqual([1, 2]);
  finish();
  expect(await Promise.all([...waiting, elsewhere])).toHaveLength(101);
});

test('what fails lets the next one go on, and a turn that is taken is asked for again', async () => {
  const inTurn = createTurns();
  let tries = 0;
  const refused = inTurn(1, () => Promise.reject(new Error('no')));
  const taken = inTurn(1, async () => {
    tries += 1;
    if (tries < 3) throw new TurnTaken();
    return 'done';
  });
  await expect(refused).rejects.toThrow('no');
  expect([await taken, tries]).toEqual(['done', 3]);
});
