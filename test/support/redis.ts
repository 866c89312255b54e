// A throw-away redis-server on a port of its own, durable as in docker-compose.yml, so that a kill loses nothing it has acknowledged.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Certificate } from './certificates.ts';
import { freePort } from './free-port.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

export interface TestRedis {
  readonly url: string;
  /** SIGKILL; `start` brings it back on the same port with what was in it. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** `program` comes from `describeWith('redis', ...)`. With a certificate it speaks TLS only. */
export async function startRedis(program: string, certificate?: Certificate): Promise<TestRedis> {
  const folder = makeTemporaryFolder();
  const port = await freePort();
  const settings = settingsOf(folder, port, certificate);
  const knock = () => (certificate ? connectTls({ port, ca: certificate.certificate }) : connect(port, '127.0.0.1'));
  let child = await launch(program, settings, knock);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    url: certificate ? `rediss://localhost:${port}` : `redis://127.0.0.1:${port}`,
    kill,
    async start() {
      child = await launch(program, settings, knock);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function settingsOf(folder: string, port: number, certificate: Certificate | undefined): Record<string, string> {
  return {
    bind: '127.0.0.1',
    port: certificate ? '0' : String(port),
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    ...(certificate && {
      'tls-port': String(port),
      'tls-cert-file': certificate.certificateFile,
      'tls-key-file': certificate.keyFile,
      'tls-auth-clients': 'no',
    }),
  };
}

async function launch(program: string, settings: Readonly<Record<string, string>>, knock: () => Socket) {
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(program, args, { stdio: 'ignore' });
  await once(child, 'spawn');
  for (const end = Date.now() + 10_000; !(await answersPing(knock())); await delay(20)) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}.`);
    if (Date.now() > end) throw new Error('redis-server did not answer within 10 s.');
  }
  return child;
}

/** PING as an inline command: https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands */
function answersPing(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.write('PING\r\n');
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (answer) => {
      resolve(answer.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
