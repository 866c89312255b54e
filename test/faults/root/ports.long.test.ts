// No port is left for a connection to PostgreSQL: 503 and alive, nothing is lost, and well again when there are some (fault 39).

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runningPostgresUrl } from '../../../src/database/postmaster.ts';
import { rolePassword } from '../../../src/database/role-password.ts';
import type { ConnectionFacts } from '../../../src/tenants/connection-facts.ts';
import { buildPatient } from '../../support/builders.ts';
import { overTcp, testRootKey } from '../../support/database.ts';
import { describeWith } from '../../support/machine.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../bed.ts';
import { endProcesses, type MainProcess, startMain } from '../processes.ts';

/** Of the network that the server has to itself. */
const scarce = { first: 45_000, count: 10 };
const plenty = { first: 32_768, count: 20_000 };

describeWith('root', 'a network without free ports', () => {
  const [dataDir, otherDir] = [makeTemporaryFolder(), makeTemporaryFolder()];
  /** Has the database, which it asks by a Unix socket. */
  let clinic: MainProcess;
  /** Asks it over TCP, as where it is elsewhere. */
  let server: MainProcess;
  let facts: ConnectionFacts;
  let token: string;
  beforeAll(async () => {
    const within = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
    clinic = await startMain('all', { dataDir, within });
    server = await startMain('api', {
      dataDir: otherDir,
      databaseUrl: overTcp(databaseUrl()).href,
      env: { KEY_DIR: path.join(dataDir, 'keys') },
      within: ['nsenter', '--target', String(clinic.child.pid), '--net'],
    });
    facts = JSON.parse(readFileSync(path.join(dataDir, 'demo.json'), 'utf8'));
    const basic = Buffer.from(`${facts.clientId}:${facts.clientSecret}`).toString('base64');
    const answer = ask(`/t/${facts.tenant}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
    });
    token = JSON.parse(answer.text).access_token;
  });
  afterAll(async () => {
    await endProcesses();
    for (const folder of [dataDir, otherDir]) rmSync(folder, { recursive: true, force: true });
  });

  test('is waited out', async () => {
    expect(post().status).toBe(201);
    allow(scarce);
    const hoarder = await takeAllPorts(Number(new URL(databaseUrl()).port));
    endBackends();
    const refused = post();
    expect([refused.status, refused.retryAfter !== null]).toEqual([503, true]);
    expect(ask('/healthz').status).toBe(200);
    expect(ask('/readyz').status).toBe(503);
    hoarder.kill('SIGKILL');
    allow(plenty);
    await waitFor('an answer', () => post().status === 201, 60_000);
    expect(ask('/readyz').status).toBe(200);
    expect(JSON.parse(ask(`/t/${facts.tenant}/fhir/Patient?_summary=count&name=Portless`, bearer()).text).total).toBe(
      2,
    );
    const ended = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  function databaseUrl(): string {
    return runningPostgresUrl({ dataDir, password: rolePassword(testRootKey, 'postgres') }) as string;
  }

  /** Where the servers are. */
  function inside(program: string, args: string[], input?: string): string {
    const enter = ['--target', String(clinic.child.pid), '--net', program, ...args];
    return execFileSync('nsenter', enter, { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  }

  function allow({ first, count }: typeof scarce): void {
    inside('sh', ['-c', `echo ${first} ${first + count - 1} > /proc/sys/net/ipv4/ip_local_port_range`]);
  }

  interface Answer {
    readonly status: number;
    readonly retryAfter: string | null;
    readonly text: string;
  }

  function ask(target: string, init: object = {}): Answer {
    const script = `const [url, init] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
      fetch(url, init).then(async (answer) => console.log(JSON.stringify({
        status: answer.status, retryAfter: answer.headers.get('Retry-After'), text: await answer.text() })));`;
    return JSON.parse(inside(process.execPath, ['-e', script], JSON.stringify([server.origin + target, init])));
  }

  const bearer = () => ({ headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json' } });

  function post(): Answer {
    const patient = buildPatient({ name: [{ family: 'Portless' }] });
    return ask(`/t/${facts.tenant}/fhir/Patient`, { method: 'POST', ...bearer(), body: JSON.stringify(patient) });
  }

  /** Connections to PostgreSQL, which waits for somebody to say who it is. */
  async function takeAllPorts(port: number): Promise<ChildProcess> {
    const script = `let open = 0;
      const take = () => require('net').connect(${port}, '127.0.0.1')
        .on('connect', () => ++open === ${scarce.count} && console.log('taken'))
        .on('error', () => setTimeout(take, 20)).on('close', () => open--);
      for (let one = 0; one < ${scarce.count}; one++) take();`;
    const enter = ['--target', String(clinic.child.pid), '--net', process.execPath, '-e', script];
    const hoarder = spawn('nsenter', enter, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(hoarder.stdout, 'data');
    return hoarder;
  }

  /** All connections of the servers, as an operator of PostgreSQL might. */
  function endBackends(): void {
    const mine = clinic.child.pid;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const title = titleOf(pid);
      if (/^postgres: hpms_/.test(title) && isBelow(pid, String(mine))) process.kill(Number(pid), 'SIGTERM');
    }
  }
});

function titleOf(pid: string): string {
  return readOf(pid, 'cmdline').replaceAll('\0', ' ');
}

function isBelow(pid: string, ancestor: string): boolean {
  const parent = /^PPid:\s+(\d+)/m.exec(readOf(pid, 'status'))?.[1] ?? '0';
  return parent === ancestor || (Number(parent) > 1 && isBelow(parent, ancestor));
}

/** Empty when the process has ended. */
function readOf(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
