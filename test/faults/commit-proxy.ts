// A TCP proxy that knows two things of PostgreSQL's protocol, where a write begins and when it is committed, and lets the connection die
// just before or just after: https://www.postgresql.org/docs/current/protocol-message-formats.html

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { overTcp } from '../support/database.ts';

export type Moment =
  /** The write does not arrive: nothing is done. */
  | 'before'
  /** The write is committed and the answer is lost: nobody knows. */
  | 'after';

export interface CommitProxy {
  /** The URL with the proxy's host and port in the place of the target's. */
  readonly url: string;
  /** One connection dies with the next write of a resource; resolves when that has happened. */
  dieAt(moment: Moment): Promise<void>;
  close(): Promise<void>;
}

interface Order {
  readonly moment: Moment;
  readonly happened: () => void;
}

/** Bind of the prepared statement that every write has: its audit record. */
const bindAudit = /\0insert-audit-events?\0/;
/** ReadyForQuery outside of a transaction: what was to be committed is. */
const readyAndIdle = Buffer.from('Z\0\0\0\x05I');

export async function startCommitProxy(target: string): Promise<CommitProxy> {
  const url = overTcp(target);
  const upstreamPort = Number(url.port);
  let order: Order | undefined;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(upstreamPort, url.hostname);
    const die = (of: Order) => {
      of.happened();
      client.resetAndDestroy();
      upstream.destroy();
    };
    let doomed: Order | undefined;
    client.on('data', (chunk) => {
      if (order && bindAudit.test(chunk.toString('latin1'))) {
        doomed = order;
        order = undefined;
        if (doomed.moment === 'before') return die(doomed);
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (doomed && chunk.subarray(-readyAndIdle.length).equals(readyAndIdle)) die(doomed);
      else client.write(chunk);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    dieAt(moment) {
      const { promise, resolve } = Promise.withResolvers<void>();
      order = { moment, happened: resolve };
      return promise;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
