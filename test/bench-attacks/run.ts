// `npm run bench:attacks`: what hostile requests cost the server and those who read meanwhile: event-loop stalls, times of answers, p95 of readers.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import path from 'node:path';
import { Agent, type Dispatcher } from 'undici';
import { describeMachine, publish } from '../bench/machine.ts';
import { percentile } from '../bench/measure.ts';
import { table } from '../bench/report.ts';
import { testServer, withClient } from '../support/database.ts';
import globalSetup from '../support/global-setup.ts';
import globalTeardown from '../support/global-teardown.ts';
import { type Attack, attacks, type Request } from './attacks.ts';
import type { ServerUnderAttack } from './server-process.ts';

const readerCount = 4;
/** Readers pause so long between two reads: they are people, not load. */
const readerPauseMs = 2;
const calmMs = 3_000;
/** So long readers are measured at least, also where the attack is over at once. */
const attackMsMin = 600;
/** security.md section 4: no stall over this. */
const stallGoalMs = 250;

interface Row {
  readonly number: number;
  readonly name: string;
  readonly requests: number;
  readonly statuses: string;
  readonly slowestMs: number;
  readonly stallMs: number;
  readonly readersP95Ms: number;
  readonly readersMaxMs: number;
}

/** What the others are compared with. */
const calm: Attack = { number: 0, name: 'readers alone', requests: () => [] };

/** Of the last minute: others' work on this machine is in every figure. */
const loadBefore = loadavg()[0] ?? 0;
await globalSetup();
const child = fork(path.join(import.meta.dirname, 'server-process.ts'), {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
});
try {
  const [server] = (await once(child, 'message')) as [ServerUnderAttack];
  await warmUp(server);
  const rows = [await measure(server, calm)];
  for (const attack of attacks) {
    const row = await measure(server, attack);
    rows.push(row);
    console.log(`${row.name}: ${row.statuses}, ${Math.round(row.slowestMs)} ms, stall ${Math.round(row.stallMs)} ms`);
  }
  const version = await withClient(testServer().serverUrl, (client) =>
    client.query<{ server_version: string }>('SHOW server_version'),
  );
  const machine = describeMachine(version.rows[0]?.server_version ?? '');
  publish({ machine, loadBefore, rows }, { prefix: 'attacks-', markdown: markdownOf(machine, rows) });
} finally {
  await end(child);
  await globalTeardown();
}

async function warmUp(server: ServerUnderAttack): Promise<void> {
  const stop = startReaders(server);
  await pause(calmMs);
  await stop();
}

async function measure(server: ServerUnderAttack, attack: Attack): Promise<Row> {
  const { number, name } = attack;
  // Made before anything is measured, for this process has cores of the same machine.
  const requests = attack.requests();
  const agent = new Agent({ connections: 50, bodyTimeout: 60_000, headersTimeout: 60_000 });
  await tell('reset');
  const stop = startReaders(server);
  const startedAt = performance.now();
  const answers = await Promise.all(requests.map((request) => send(agent, server, request)));
  const least = number === 0 && requests.length === 0 ? calmMs : attackMsMin;
  await pause(Math.max(0, least - (performance.now() - startedAt)));
  const latencies = await stop();
  const { stallMs = 0 } = await tell('stall');
  await agent.close();
  return {
    ...{ number, name, requests: requests.length, stallMs },
    statuses: statusesOf(answers),
    slowestMs: Math.max(0, ...answers.map(({ ms }) => ms)),
    readersP95Ms: percentile(latencies, 0.95),
    readersMaxMs: Math.max(...latencies),
  };
}

interface Answer {
  readonly status: number;
  readonly ms: number;
}

/** A server that refuses early may close the connection while the rest is still being sent: status 0. */
async function send(agent: Dispatcher, { origin, base, token }: ServerUnderAttack, request: Request): Promise<Answer> {
  const { method = 'GET', path: place, headers = {}, body } = request;
  const startedAt = performance.now();
  const asked = {
    origin,
    method,
    path: base + place,
    headers: { Authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
  };
  try {
    const answer = await agent.request(asked);
    await answer.body.dump();
    return { status: answer.statusCode, ms: performance.now() - startedAt };
  } catch {
    return { status: 0, ms: performance.now() - startedAt };
  }
}

/** What they give ends them and tells how long each read took. */
function startReaders({ origin, base, token }: ServerUnderAttack): () => Promise<number[]> {
  const agent = new Agent({ connections: readerCount, headersTimeout: 60_000 });
  const latencies: number[] = [];
  let isOver = false;
  const read = async () => {
    while (!isOver) {
      const startedAt = performance.now();
      const { body } = await agent.request({
        origin,
        method: 'GET',
        path: `${base}/Patient/known`,
        headers: { Authorization: `Bearer ${token}` },
      });
      await body.dump();
      latencies.push(performance.now() - startedAt);
      await pause(readerPauseMs);
    }
  };
  const readers = Array.from({ length: readerCount }, read);
  return async () => {
    isOver = true;
    await Promise.all(readers);
    await agent.close();
    return latencies;
  };
}

async function tell(message: 'reset' | 'stall'): Promise<{ stallMs?: number }> {
  const answered = once(child, 'message');
  child.send(message);
  const [answer] = (await answered) as [{ stallMs?: number }];
  return answer;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.send('end');
  await ended;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function statusesOf(answers: readonly Answer[]): string {
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .map(([status, count]) => `${status === 0 ? 'cut off' : status}${count > 1 ? ` x ${count}` : ''}`)
    .join(', ');
}

function markdownOf(machine: ReturnType<typeof describeMachine>, rows: readonly Row[]): string {
  const { cpu, cores, memory, node, postgresql } = machine;
  const worst = Math.max(...rows.map(({ stallMs }) => stallMs));
  return [
    `${cpu}, ${cores} cores, ${memory}; Node ${node}, PostgreSQL ${postgresql}; ${readerCount} readers of one Patient, all on the same machine, whose load was ${loadBefore.toFixed(1)} before.`,
    '',
    ...table([
      ['Attack', 'no', 'requests', 'answers', 'slowest ms', 'longest stall ms', 'readers p95 ms', 'readers max ms'],
      ...rows.map((row) => [
        row.name,
        row.number === 0 ? '' : String(row.number),
        ...[String(row.requests), row.statuses],
        ...[row.slowestMs, row.stallMs, row.readersP95Ms, row.readersMaxMs].map((ms) => ms.toFixed(ms < 10 ? 1 : 0)),
      ]),
    ]),
    '',
    `Longest stall ${Math.round(worst)} ms: ${worst <= stallGoalMs ? 'within' : 'OVER'} the ${stallGoalMs} ms of security.md section 4.`,
  ].join('\n');
}
