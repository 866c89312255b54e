// The load: a fixed number of connections, each sending its next request when the answer to the last one is there and checked.

import { Client, type Dispatcher } from 'undici';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With the path of the FHIR base. */
  readonly path: string;
  readonly body?: string;
  readonly status: number;
  /** Throws when the answer is not what was asked for. */
  readonly check: (body: string) => void;
}

export interface Load {
  readonly origin: string;
  readonly authorization: string;
  readonly connections: number;
  readonly durationMs: number;
  readonly next: () => Call;
}

export interface Measured {
  readonly seconds: number;
  /** Of every call, in no order. */
  readonly latenciesMs: readonly number[];
  /** Processor time of this process: the client must not be what is measured. */
  readonly clientCpuSeconds: number;
}

/** Every answer's status is checked, and of one in so many the body, which costs the client time. */
const bodyCheckEvery = 20;

/** Rejects at the first answer that is not the expected one: a bench of errors is worthless. */
export async function drive(load: Load): Promise<Measured> {
  const clients = Array.from({ length: load.connections }, () => new Client(load.origin, { pipelining: 1 }));
  const latenciesMs: number[] = [];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endAt = startedAt + load.durationMs;
  try {
    await Promise.all(clients.map((client) => repeat(client, load, endAt, latenciesMs)));
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { seconds, latenciesMs, clientCpuSeconds: (user + system) / 1_000_000 };
}

async function repeat(client: Client, load: Load, endAt: number, latenciesMs: number[]): Promise<void> {
  while (performance.now() < endAt) {
    const call = load.next();
    const sentAt = performance.now();
    const answer = await send(client, load.authorization, call);
    latenciesMs.push(performance.now() - sentAt);
    requireStatus(call, answer);
    if (latenciesMs.length % bodyCheckEvery === 0) call.check(answer.body());
  }
}

export interface Answer {
  readonly status: number;
  body(): string;
}

/** The bare dispatch of undici takes 15 µs of this process a call; autocannon takes 22 (measured on Node 24). */
export function send(
  client: Pick<Dispatcher, 'dispatch'>,
  authorization: string,
  { method, path, body }: Pick<Call, 'method' | 'path' | 'body'>,
): Promise<Answer> {
  const headers: Record<string, string> = { authorization };
  if (body !== undefined) headers['content-type'] = 'application/fhir+json';
  const pieces: Buffer[] = [];
  let status = 0;
  return new Promise((resolve, reject) => {
    client.dispatch(
      { method, path, headers, body: body ?? null },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseData: (_controller, piece) => {
          pieces.push(piece);
        },
        onResponseEnd: () => resolve({ status, body: () => Buffer.concat(pieces).toString() }),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

export function requireStatus(call: Pick<Call, 'method' | 'path' | 'status'>, answer: Answer): void {
  if (answer.status === call.status) return;
  throw new Error(`${call.method} ${call.path} was answered ${answer.status}: ${answer.body().slice(0, 500)}`);
}
