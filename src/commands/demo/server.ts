// The server the demo talks to: the one that runs, else one started for this run and stopped at its end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { request } from 'undici';
import { DemoFailure } from './demo-failure.ts';
import type { Connection } from './fhir-client.ts';
import { startOptions } from './start-options.ts';
import { waitFor } from './wait-for.ts';

export interface DemoServer {
  readonly connection: Connection;
  readonly isOwn: boolean;
  /** Leaves a server alone that ran before. */
  stop(): Promise<void>;
}

const probeTimeoutMs = 2_000;
const probeEveryMs = 100;
/** The first start makes a database; the target is 20 s. */
const readyDeadlineMs = 90_000;
const stopDeadlineMs = 30_000;
/** Of the server's output, shown when it does not start. */
const outputCharactersMax = 4_000;

const main = path.join(import.meta.dirname, '..', '..', 'main.ts');

export async function openServer(onStart: (note: string) => void): Promise<DemoServer> {
  const file = path.join(path.resolve(process.env.HPMS_DATA_DIR || '.data'), 'demo.json');
  const known = readConnection(file);
  const found = known && (await probe(known));
  if (known && found !== undefined) {
    if (found !== 200) await untilReady(file, () => undefined);
    return { connection: readConnection(file) ?? known, isOwn: false, stop: async () => undefined };
  }
  onStart('No server runs on this data directory, so one is started.');
  return await startServer(file);
}

async function startServer(file: string): Promise<DemoServer> {
  // A process group of its own: Ctrl-C reaches the demo alone, which then stops the server once and in good order.
  const child = spawn(process.execPath, [...startOptions(), main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = keepTail(child);
  const stop = () => stopServer(child);
  const stopAndExit = (signal: NodeJS.Signals) => {
    void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAndExit);
  try {
    const ended = () => (child.exitCode === null && child.signalCode === null ? undefined : output());
    return { connection: await untilReady(file, ended), isOwn: true, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `ended` gives the last words of a server that is gone. */
async function untilReady(file: string, ended: () => string | undefined): Promise<Connection> {
  const look = async () => {
    const lastWords = ended();
    if (lastWords !== undefined) throw new DemoFailure(`The server did not start. It said:\n${lastWords}`);
    const connection = readConnection(file);
    return connection && (await probe(connection)) === 200 ? connection : undefined;
  };
  const connection = await waitFor(look, { everyMs: probeEveryMs, deadlineMs: readyDeadlineMs });
  if (!connection) throw new DemoFailure(`The server was not ready after ${readyDeadlineMs / 1_000} s.`);
  return connection;
}

/** The status of `/readyz`, undefined where nobody listens. */
async function probe({ fhirBaseUrl }: Connection): Promise<number | undefined> {
  const url = fhirBaseUrl.replace(/\/t\/[^/]+\/fhir$/, '/readyz');
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await body.dump();
    return statusCode;
  } catch {
    return undefined;
  }
}

function readConnection(file: string): Connection | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Connection;
  } catch {
    return undefined;
  }
}

function keepTail(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-outputCharactersMax);
    });
  }
  return () => text.trim();
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(stopDeadlineMs) });
  child.kill('SIGTERM');
  try {
    await ended;
  } catch {
    child.kill('SIGKILL');
    throw new DemoFailure(`The server did not stop within ${stopDeadlineMs / 1_000} s and was killed.`);
  }
  if (child.exitCode !== 0) throw new DemoFailure(`The server ended with exit code ${child.exitCode}.`);
}
