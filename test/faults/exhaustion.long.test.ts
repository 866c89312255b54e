// The system gives no more file descriptors, processes or ports: what needs one is refused for a while, the rest is answered, nothing breaks (fault 39).

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Binary } from '@medplum/fhirtypes';
import pg from 'pg';
import { findPlace } from '../../src/database/embedded-place.ts';
import { buildPatient } from '../support/builders.ts';
import { describeWith } from '../support/machine.ts';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Load } from './load.ts';
import { useOwnDatabase } from './own-database.ts';
import { type MainProcess, startMain } from './processes.ts';

const lanes = 4;

describeWith('prlimit', 'no file descriptor is left', (prlimit) => {
  let bed: FaultBed;
  let server: MainProcess;
  let load: Load;
  beforeAll(async () => {
    bed = await FaultBed.open();
    await bed.start({ does: { api: false, jobs: true } });
    server = await startMain('api', { dataDir: bed.dataDir, databaseUrl: bed.database.url });
    bed.origin = server.origin;
    load = await Load.open(bed);
  }, 60_000);
  afterAll(() => bed.close());

  const allow = (descriptors: number) =>
    execFileSync(prlimit, ['--pid', String(server.child.pid), `--nofile=${descriptors}:`]);

  /** Connections take what is left. */
  async function takeAll(): Promise<Socket[]> {
    const highest = Math.max(...readdirSync(`/proc/${server.child.pid}/fd`).map(Number));
    allow(highest + 1);
    const taken: Socket[] = [];
    for (let isRefused = false; !isRefused; ) {
      const socket = connect(Number(new URL(server.origin).port), '127.0.0.1');
      socket
        .on('error', () => undefined)
        .once('close', () => {
          isRefused = true;
        });
      taken.push(socket);
      await Promise.race([once(socket, 'close'), delay(100)]);
    }
    return taken;
  }

  test('who is connected is answered, a large body gets 503, others are not let in, and all goes on when there are some', async () => {
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const health = () => statusOf(server.origin, kept);
    expect(await health()).toBe(200);
    load.start(lanes);
    await waitFor('traffic', () => load.intents.length > 40);
    const before = load.intents.length;
    const [path, token] = [`/t/${bed.a.name}/fhir/Binary`, await bed.a.authorize()];
    const taken = await takeAll();
    const strangers = await Promise.all(Array.from({ length: 30 }, () => statusOf(server.origin, false)));
    expect(strangers).toContain(undefined);
    // Not one, and none for its object either.
    allow(3);
    expect(await statusOf(server.origin, kept, { path, token, body: JSON.stringify(largeBinary()) })).toBe(503);
    expect(await health()).toBe(200);
    await waitFor('answers meanwhile', () => load.intents.slice(before).filter(({ answer }) => answer).length > 20);
    allow(1_024);
    for (const socket of taken) socket.destroy();
    await waitFor('a stranger', async () => (await statusOf(server.origin, false)) === 200);
    expect((await bed.a.request('POST', '/Binary', largeBinary())).status).toBe(201);
    const healed = load.intents.length;
    await waitFor('answers', () => load.intents.slice(healed).filter(({ answer }) => answer).length > 40);
    await load.stop();
    kept.destroy();
    const { 200: _done, 201: _created, 409: _clashes, 503: _away, lost: _cut, ...others } = countStatuses(load.intents);
    expect(others).toEqual({});
    expect(await findProblems(bed, load.intents)).toEqual([]);
  }, 120_000);
});

describeWith('prlimit', 'PostgreSQL may start no process', (prlimit) => {
  const own = useOwnDatabase();

  test('nobody can connect to it: 503 and alive, and well again when it may', async () => {
    const { bed, load, postgres, dataDir } = own();
    // Its own user may, whoever that is.
    const { uid, gid } = findPlace(dataDir).user ?? {};
    const allow = (processes: string) =>
      execFileSync(prlimit, ['--pid', String(postgres.pid), `--nproc=${processes}:`], { uid, gid });
    const before = /^Max processes +(\w+)/m.exec(readLimits(postgres.pid))?.[1] ?? '';
    load.start(lanes);
    await waitFor('traffic', () => load.intents.length > 40);
    const operator = new pg.Client({ connectionString: bed.database.url });
    operator.on('error', () => undefined);
    await operator.connect();
    allow('1');
    await operator.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                          WHERE datname = current_database() AND usename LIKE 'hpms_%'`);
    const refused = await bed.a.request('POST', '/Patient', buildPatient());
    expect([refused.status, refused.headers.has('Retry-After')]).toEqual([503, true]);
    expect((await fetch(`${bed.origin}/healthz`)).status).toBe(200);
    expect((await fetch(`${bed.origin}/readyz`)).status).toBe(503);
    allow(before);
    await operator.end();
    const healed = load.intents.length;
    await waitFor('answers', () => load.intents.slice(healed).filter(({ answer }) => answer).length > 40);
    await load.stop();
    const { 200: _done, 201: _created, 409: _clashes, 503: _away, ...others } = countStatuses(load.intents);
    expect(others).toEqual({});
    expect(await findProblems(bed, load.intents)).toEqual([]);
  }, 120_000);
});

function readLimits(pid: number): string {
  return readFileSync(`/proc/${pid}/limits`, 'utf8');
}

/** More than stays in the database. */
function largeBinary(): Binary {
  return { resourceType: 'Binary', contentType: 'application/octet-stream', data: 'A'.repeat(3_000_000) };
}

interface Post {
  readonly path: string;
  readonly token: string;
  readonly body: string;
}

/** Of `/healthz` or of the POST; undefined when the connection was not taken. */
function statusOf(origin: string, agent: Agent | false, post?: Post): Promise<number | undefined> {
  const headers = post && { authorization: `Bearer ${post.token}`, 'content-type': 'application/fhir+json' };
  const method = post ? 'POST' : 'GET';
  return new Promise((resolve) => {
    const options = { agent, method, timeout: 10_000, ...(headers && { headers }) };
    const request = httpRequest(`${origin}${post?.path ?? '/healthz'}`, options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    request.once('timeout', () => request.destroy()).once('error', () => resolve(undefined));
    request.end(post?.body);
  });
}
