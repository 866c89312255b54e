// A TCP proxy in the test process, between our server and a database or queue, that makes the network fail on command.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { overTcp } from './database.ts';

export interface Faults {
  /** Open connections are reset and so is every new one, as when the server is gone. */
  refuse: boolean;
  /** Requests arrive, answers vanish: what was committed and what the client knows part ways. */
  dropReplies: boolean;
  /** Every chunk arrives so much later, in both directions. */
  delayMs: number;
}

export interface TcpProxy {
  /** The URL with the proxy's host and port in the place of the target's. */
  readonly url: string;
  set(faults: Partial<Faults>): void;
  /** Resets the connections that are open; new ones pass. */
  cut(): void;
  connections(): number;
  close(): Promise<void>;
}

/** `target` is the URL of what stands behind it. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = overTcp(target);
  const faults: Faults = { refuse: false, dropReplies: false, delayMs: 0 };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    if (faults.refuse) return void client.resetAndDestroy();
    const upstream = connect(Number(targetPort), hostname);
    joinLives(client, upstream, open);
    forward(client, upstream, () => ({ ...faults, dropReplies: false }));
    forward(upstream, client, () => faults);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    url: withPort(target, port),
    set(changes) {
      Object.assign(faults, changes);
      if (faults.refuse) cut();
    },
    cut,
    connections: () => open.size / 2,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** When one side ends or fails, so does the other. */
function joinLives(client: Socket, upstream: Socket, open: Set<Socket>): void {
  const join = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => other.resetAndDestroy());
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
  };
  join(client, upstream);
  join(upstream, client);
}

function forward(from: Socket, to: Socket, faults: () => Faults): void {
  let queue: Promise<void> = Promise.resolve();
  from.on('data', (chunk) => {
    const { dropReplies, delayMs } = faults();
    if (dropReplies) return;
    const due = Date.now() + delayMs;
    // One after the other, so that no chunk overtakes the one before it.
    queue = queue.then(async () => {
      if (due > Date.now()) await delay(due - Date.now());
      if (to.writable) to.write(chunk);
    });
  });
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(port);
  return changed.href;
}
