// Two API processes behind a balancer, ended by SIGTERM and replaced one after the other under load, for the short and the long test of fault 26.

import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from './bed.ts';
import { waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Load } from './load.ts';
import { type MainProcess, startMain } from './processes.ts';

const lanes = 3;
const answersBetween = 15;

/** Gives what the checker finds, and every status that is none of a success or a clash of bookings. */
export async function restartInTurn(
  bed: FaultBed,
  restarts: number,
): Promise<{ problems: string[]; failures: object }> {
  const options = { dataDir: bed.dataDir, databaseUrl: bed.database.url };
  const start = () => startMain('api', options);
  const balancer = await Balancer.listen(await Promise.all([start(), start()]));
  await bed.start({ does: { api: false, jobs: true } });
  bed.origin = balancer.origin;
  const load = await Load.open(bed);
  load.start(lanes);
  const answered = () => load.intents.filter(({ answer }) => answer).length;
  for (let round = 0; round < restarts; round++) {
    const before = answered();
    await waitFor('traffic', () => answered() >= before + answersBetween);
    const leaving = balancer.oldest;
    leaving.child.kill('SIGTERM');
    const { code } = await leaving.exited;
    if (code !== 0) throw new Error(`A process ended with ${code}.`);
    balancer.replace(leaving, await start());
    if ((round + 1) % 10 === 0) process.stderr.write(`${round + 1} restarts, ${load.intents.length} requests\n`);
  }
  await load.stop();
  const { 200: _done, 201: _created, 409: _clashes, ...failures } = countStatuses(load.intents);
  console.log(`${restarts} restarts, ${load.intents.length} requests, ${balancer.moved} taken elsewhere`);
  const problems = await findProblems(bed, load.intents);
  balancer.close();
  for (const { child, exited } of balancer.processes) {
    child.kill('SIGTERM');
    await exited;
  }
  return { problems, failures };
}

/**
 * As small as one can be: it asks who is ready, keeps connections, and takes a request elsewhere only where nobody listened.
 * An answer that breaks off breaks off for the client too.
 */
class Balancer {
  /** The one that has served longest first. */
  readonly processes: MainProcess[];
  readonly #ready = new Set<MainProcess>();
  /** What each was found to be the last time. */
  readonly #problems = new Map<MainProcess, string>();
  readonly #server = createServer((request, response) => void this.#pass(request, response));
  #turn = 0;
  #isClosed = false;
  moved = 0;

  static async listen(processes: MainProcess[]): Promise<Balancer> {
    const balancer = new Balancer(processes);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  private constructor(processes: MainProcess[]) {
    this.processes = processes;
    for (const one of processes) this.#ready.add(one);
    void this.#watch();
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get oldest(): MainProcess {
    return this.processes[0]!;
  }

  replace(old: MainProcess, next: MainProcess): void {
    this.processes.splice(this.processes.indexOf(old), 1);
    this.processes.push(next);
    this.#ready.delete(old);
    this.#ready.add(next);
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      for (const one of this.processes) {
        const problem = await problemOf(one);
        if (problem === undefined) this.#ready.add(one);
        else this.#ready.delete(one);
        this.#problems.set(one, problem ?? 'ready');
      }
      await delay(100);
    }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const candidates = [...this.#ready];
    this.#turn += 1;
    for (let attempt = 0; attempt < candidates.length; attempt++) {
      const target = candidates[(this.#turn + attempt) % candidates.length]!;
      try {
        await forward(target.origin, request, body, response);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') return void response.destroy();
        this.moved += 1;
      }
    }
    const known = this.processes.map((one) => `${one.origin}: ${this.#problems.get(one)}`);
    process.stderr.write(
      `Nobody took ${request.method} ${request.url}, ${candidates.length} asked; ${known.join(', ')}\n`,
    );
    response.writeHead(502).end();
  }

  close(): void {
    this.#isClosed = true;
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** What keeps a process from being ready, undefined where nothing does. */
async function problemOf({ origin }: MainProcess): Promise<string | undefined> {
  try {
    const answer = await fetch(`${origin}/readyz`);
    const text = await answer.text();
    return answer.status === 200 ? undefined : text;
  } catch (error) {
    return String((error as Error).cause ?? error);
  }
}

async function forward(
  origin: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const { method, headers, url } = request;
  const { connection: _hop, 'transfer-encoding': _encoding, ...passed } = headers;
  const onward = httpRequest(`${origin}${url}`, {
    method: method ?? 'GET',
    headers: body.length > 0 ? { ...passed, 'content-length': String(body.length) } : passed,
  });
  onward.end(body);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  const { connection: _close, 'keep-alive': _alive, 'transfer-encoding': _chunked, ...given } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, given);
  await pipeline(answer, response);
}
