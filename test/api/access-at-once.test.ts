// Who changes rights finds them changed with the next request, though the notice to all processes may not have come: security.md 62

import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { expectRefusal } from './refusals.ts';

const endListener = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN hpms_access'";
const logged = new EventEmitter();
let server: TestServer;
let database: pg.Client;
beforeAll(async () => {
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.emit('line', line) });
  server = await startTestServer({ does: { api: true, jobs: false }, log });
  database = new pg.Client({ connectionString: server.database.url });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await server.close();
});

/** The process hears of nothing that is told to all, for half a second. */
beforeEach(async () => {
  await server.a.request('GET', '/Patient?_count=1');
  const away = once(logged, 'line');
  // It may not be back yet from being away.
  for (let ended: number | null = 0; ended === 0; ) ({ rowCount: ended } = await database.query(endListener));
  expect(String(await away)).toContain('Changes of access are not heard');
});

test('a Consent that denies', async () => {
  const clientDevice = { reference: `Device/${server.a.clientId}` };
  await server.a.request('PUT', '/Patient/once-p', { ...buildPatient(), id: 'once-p' });
  expect((await server.a.request('GET', '/Patient/once-p')).status).toBe(200);
  const written = await server.a.request('PUT', '/Consent/once-c', {
    ...{ resourceType: 'Consent', id: 'once-c', status: 'active', patient: { reference: 'Patient/once-p' } },
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    policyRule: { text: 'None' },
    provision: { type: 'deny', actor: [{ role: { text: 'any' }, reference: clientDevice }] },
  });
  expect(written.status).toBe(201);
  expectRefusal(await server.a.request('GET', '/Patient/once-p'), 404);
});

test('a client that may do less', async () => {
  const { a } = server;
  const changed = await adminOf(server, a)('PATCH', `/clients/${a.clientId}`, { scope: 'system/Organization.rs' });
  expect(changed.status).toBe(200);
  expectRefusal(await a.request('GET', '/Patient?_count=1'), 403);
});
