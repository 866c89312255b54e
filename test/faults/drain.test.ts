// SIGTERM under load on the real process: not ready at once, requests under way get their whole answer, jobs finish, PostgreSQL stops (fault 26).

import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { findCluster } from '../../src/database/embedded-place.ts';
import { runningPostgresUrl } from '../../src/database/postmaster.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { buildPatient } from '../support/builders.ts';
import { testRootKey } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { readQueue } from './job-queue.ts';
import { bundleOf, Load } from './load.ts';
import { type MainProcess, startMain } from './processes.ts';

const password = rolePassword(testRootKey, 'postgres');
const lanes = 8;

describe('SIGTERM under load: fault 26', () => {
  const dataDir = makeTemporaryFolder();
  let server: MainProcess;
  let bed: FaultBed;
  let load: Load;
  beforeAll(async () => {
    server = await startMain('all', { dataDir });
    bed = await FaultBed.open({ url: runningPostgresUrl({ dataDir, password })!, drop: async () => undefined });
    bed.origin = server.origin;
    load = await Load.open(bed);
  }, 60_000);
  afterAll(async () => {
    await bed.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('every request that got through is answered whole, and the process ends in good order', async () => {
    load.start(lanes);
    await waitFor('traffic', () => load.intents.length >= 150);
    // As a load balancer: it sends nothing more to a server that is not ready.
    const seen = watchReadiness(server.origin, () => void load.stop());
    const slowUpload = await beginUpload();
    const longBundle = bed.a.request('POST', '', bundleOf('long', 1_000));
    const signalledAt = performance.now();
    server.child.kill('SIGTERM');
    const uploaded = finishUpload(slowUpload);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const tookMs = performance.now() - signalledAt;
    await load.stop();
    expect(await uploaded).toMatchObject({ status: 201, connection: 'close' });
    expect((await longBundle).status).toBe(200);
    expect((await longBundle).json.entry).toHaveLength(1_000);
    const { 200: done, 201: created, 409: clashes, ...others } = countStatuses(load.intents);
    console.log(`ended after ${Math.round(tookMs)} ms`, { done, created, clashes, ...others });
    expect(others).toEqual({});
    expect(tookMs).toBeLessThan(10_000);
    expect(seen.slice(0, seen.indexOf('gone'))).toContain(503);
  }, 60_000);

  test('nothing it had is left running or half done', async () => {
    expect(server.lines.filter(({ level }) => level >= 40)).toEqual([]);
    expect(existsSync(path.join(findCluster(dataDir), 'postmaster.pid'))).toBe(false);
    const postgres = await startEmbeddedPostgres({ dataDir, password, log: () => undefined });
    expect((await readQueue(postgres.url)).active).toEqual([]);
    await postgres.stop();
  });

  test('the next start goes on with what was waiting, and everything acknowledged is there', async () => {
    server = await startMain('all', { dataDir });
    bed.origin = server.origin;
    const url = runningPostgresUrl({ dataDir, password })!;
    const again = Object.assign(bed, { database: { url, drop: async () => undefined } });
    expect(await findProblems(again, load.intents)).toEqual([]);
    expect(server.lines.filter(({ msg }) => msg.includes('interrupted'))).toEqual([]);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  }, 60_000);

  /** Headers and half of a body are on the wire when the signal comes. */
  async function beginUpload(): Promise<ClientRequest> {
    const token = await bed.a.authorize();
    const body = JSON.stringify(buildPatient());
    const upload = httpRequest(`${bed.origin}/t/clinic-a/fhir/Patient`, {
      method: 'POST',
      agent: new Agent({ keepAlive: true }),
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/fhir+json',
        'Content-Length': String(Buffer.byteLength(body)),
      },
    });
    upload.write(body.slice(0, 20));
    await once(upload, 'socket');
    return upload;
  }

  async function finishUpload(upload: ClientRequest): Promise<{ status?: number; connection?: string; body: string }> {
    await server.said('stopping');
    upload.end(JSON.stringify(buildPatient()).slice(20));
    const [answer] = (await once(upload, 'response')) as [IncomingMessage];
    return { status: answer.statusCode!, connection: answer.headers.connection!, body: await text(answer) };
  }
});

/** Statuses of /readyz, asked a few times a second, each time by a new connection; at the end `gone`. */
function watchReadiness(origin: string, onNotReady: () => void): readonly (number | 'gone')[] {
  const seen: (number | 'gone')[] = [];
  const look = async () => {
    const probe = httpRequest(`${origin}/readyz`, { agent: false }).end();
    const [answer] = (await once(probe, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode!;
  };
  void (async () => {
    while (!seen.includes('gone')) {
      seen.push(await look().catch(() => 'gone' as const));
      if (seen.at(-1) === 503) onNotReady();
      await delay(50);
    }
  })();
  return seen;
}
