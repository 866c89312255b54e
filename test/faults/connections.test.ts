// No connection to PostgreSQL is left: requests wait in a bounded queue or get 503 at once, health answers, and it heals by itself (fault 13).

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { App } from '../../src/app.ts';
import type { FhirError } from '../../src/fhir/outcome.ts';
import { buildPatient } from '../support/builders.ts';
import { send } from '../support/server.ts';
import { FaultBed, waitFor } from './bed.ts';
import { findProblems } from './checker.ts';

/** Those of the server for one tenant: transactions at once, and callers that may wait for their turn. */
const ofOneTenantMax = 10;
const waitingMax = 1_000;

describe('connection exhaustion: fault 13', () => {
  let bed: FaultBed;
  let app: App;
  beforeAll(async () => {
    bed = await FaultBed.open();
    app = await bed.start({ does: { api: true, jobs: false } });
    await bed.a.create(buildPatient());
  });
  afterAll(() => bed.close());
  afterEach(async () => {
    expect(await findProblems(bed, [])).toEqual([]);
  });

  const health = (path: string) => send(`${bed.origin}${path}`, 'GET');

  async function timed<T>(work: Promise<T>): Promise<{ readonly result: T; readonly tookMs: number }> {
    const startedAt = performance.now();
    return { result: await work, tookMs: performance.now() - startedAt };
  }

  test('somebody blocks all of ours: what finds none gets 503 within seconds, and health answers meanwhile', async () => {
    const hoarder = await lockResources();
    let answered = 0;
    const requests = Array.from({ length: 60 }, async () => {
      const answer = await timed(bed.a.request('POST', '/Patient', buildPatient()));
      answered += 1;
      return answer;
    });
    await waitFor('a crowd', () => app.doors.tenantShare.waiting() >= 20);
    for (const path of ['/healthz', '/readyz']) {
      const { result, tookMs } = await timed(health(path));
      expect(result.status).toBe(200);
      expect(tookMs).toBeLessThan(1_000);
    }
    await waitFor('the refusals', () => answered === 60 - ofOneTenantMax, 8_000);
    await hoarder.end();
    const answers = await Promise.all(requests);
    const done = answers.filter(({ result }) => result.status === 201);
    const refused = answers.filter(({ result }) => result.status === 503);
    expect([done.length, refused.length]).toEqual([ofOneTenantMax, 60 - ofOneTenantMax]);
    expect(refused.every(({ result }) => Number(result.headers.get('Retry-After')) > 0)).toBe(true);
    await bed.a.create(buildPatient());
  });

  test('no more than a thousand wait: the next is refused at once', async () => {
    const free = Promise.withResolvers<void>();
    let begun = 0;
    const work = () => {
      begun += 1;
      return free.promise;
    };
    const call = () =>
      timed(
        app.doors.tenantDoor(bed.a.tenantId, work).then(
          () => 'done',
          (error: FhirError) => error.issues[0]!.code,
        ),
      );
    const held = Array.from({ length: ofOneTenantMax }, call);
    await waitFor('all that may begin', () => begun === ofOneTenantMax);
    const beyond = 50;
    const calls = Array.from({ length: waitingMax + beyond }, call);
    expect([begun, app.doors.tenantShare.waiting()]).toEqual([ofOneTenantMax, waitingMax]);
    const refused = await Promise.all(calls.slice(-beyond));
    expect(new Set(refused.map(({ result }) => result))).toEqual(new Set(['throttled']));
    expect(Math.max(...refused.map(({ tookMs }) => tookMs))).toBeLessThan(1_000);
    free.resolve();
    const served = await Promise.all([...held, ...calls.slice(0, -beyond)]);
    expect(new Set(served.map(({ result }) => result))).toEqual(new Set(['done']));
  });

  test('PostgreSQL takes none of ours: 503 within a second, not ready but alive, and well again when it does', async () => {
    const database = new URL(bed.database.url).pathname.slice(1);
    await bed.sql(`ALTER DATABASE ${database} CONNECTION LIMIT 0`);
    await bed.sql(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND usename LIKE 'hpms_%'`);
    const { result, tookMs } = await timed(bed.a.request('POST', '/Patient', buildPatient()));
    expect(result.status).toBe(503);
    expect(Number(result.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(1_000);
    expect((await health('/healthz')).status).toBe(200);
    expect((await health('/readyz')).status).toBe(503);
    await bed.sql(`ALTER DATABASE ${database} CONNECTION LIMIT -1`);
    await bed.a.create(buildPatient());
    expect((await health('/readyz')).status).toBe(200);
  });

  test('PostgreSQL has none left but those that are open: all are answered by these', async () => {
    const { id } = await bed.a.create(buildPatient());
    await bed.a.request('GET', `/Patient/${id}`);
    const open = app.doors.tenantPool.counts().total;
    const database = new URL(bed.database.url).pathname.slice(1);
    await bed.sql(`ALTER DATABASE ${database} CONNECTION LIMIT 0`);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        n % 2 === 0 ? bed.a.request('POST', '/Patient', buildPatient()) : bed.a.request('GET', `/Patient/${id}`),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 2 === 0 ? 201 : 200)));
    expect(app.doors.tenantPool.counts().total).toBe(open);
    await bed.sql(`ALTER DATABASE ${database} CONNECTION LIMIT -1`);
  });

  /** As a careless migration would. */
  async function lockResources(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: bed.database.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN; LOCK TABLE store.resource IN ACCESS EXCLUSIVE MODE');
    return client;
  }
});
