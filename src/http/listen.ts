// Opens the HTTP server with its time limits, and closes it without cutting off a request that is under way.

import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { linkLengthMax } from '../search/result.ts';
import { type CertificateFiles, type Renewal, readCertificate, renewCertificate } from './certificate.ts';
import { openGates, portOf } from './gates.ts';
import { createUnderWay } from './under-way.ts';

export interface HttpListener {
  readonly port: number;
  /**
   * Goes on answering for a moment, but ends each connection with its answer: a request that is on its way down a kept
   * connection, or comes from somebody who has not heard yet that this server leaves, is not cut off. Ends early when nobody has been
   * connected for a while.
   */
  retire(lingerMs: number): Promise<void>;
  /** Accepts nothing new and waits for what is under way, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** A client gets so long to send its headers, and then its whole request (security.md 94). */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 120_000;
/** Longer than the usual idle time of proxies, so that they close first. */
const keepAliveTimeoutMs = 65_000;
const connectionsMax = 10_000;
/** A link to a page of a long search, and all other headers. */
const headersBytesMax = linkLengthMax + 4_768;
/** Between two requests of a proxy that connects for each; what is waiting to be accepted when a port is closed is reset. */
const quietMs = 500;

export type TlsOptions = CertificateFiles & Renewal;

/** Without `tls` it speaks plain HTTP, for a proxy in front. */
export async function listen(handler: RequestListener, port: number, tls?: TlsOptions): Promise<HttpListener> {
  const server = tls ? openTlsServer(handler, tls) : createServer(limits, handler);
  const endConnections = withAnswers(server);
  const connectedAt = lastConnectedAt(server);
  const gates = await openGates(server, port);
  for (const gate of gates) gate.maxConnections = Math.ceil(connectionsMax / gates.length);
  return {
    port: portOf(server),
    async retire(lingerMs) {
      endConnections();
      const end = performance.now() + lingerMs;
      const isQuiet = () => performance.now() - connectedAt() > quietMs;
      while (performance.now() < end && (!isQuiet() || (await isConnected(gates)))) await delay(20);
    },
    close(timeoutMs) {
      endConnections();
      return drain(server, gates, timeoutMs);
    },
  };
}

const limits: ServerOptions = {
  maxHeaderSize: headersBytesMax,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  keepAliveTimeout: keepAliveTimeoutMs,
};

function openTlsServer(handler: RequestListener, tls: TlsOptions): Server {
  const server = createTlsServer({ ...limits, ...readCertificate(tls) }, handler);
  renewCertificate(server, tls, tls);
  return server;
}

/** From the call of what it gives on, every answer ends its connection, also the answers to requests that are under way. */
function withAnswers(server: Server): () => void {
  const underWay = createUnderWay<ServerResponse>();
  let isLeaving = false;
  server.prependListener('request', (_request, response) => {
    if (isLeaving) response.setHeader('Connection', 'close');
    response.once('close', underWay.add(response));
  });
  return () => {
    isLeaving = true;
    for (const response of underWay) if (!response.headersSent) response.setHeader('Connection', 'close');
  };
}

/** Gives when a connection was opened or ended the last time. */
function lastConnectedAt(server: Server): () => number {
  let at = Number.NEGATIVE_INFINITY;
  const note = () => {
    at = performance.now();
  };
  server.on('connection', (socket) => {
    note();
    socket.once('close', note);
  });
  return () => at;
}

async function isConnected(gates: readonly NetServer[]): Promise<boolean> {
  return (await Promise.all(gates.map(countConnections))).some((count) => count > 0);
}

function countConnections(gate: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    gate.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** All connections are those of `server`, whichever gate they came by. */
async function drain(server: Server, gates: readonly NetServer[], timeoutMs: number): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  // An answer whose headers had left before keeps its connection, which is idle once it is read.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await Promise.all(gates.map((gate) => new Promise((resolve) => gate.close(resolve))));
  clearTimeout(timer);
  clearInterval(sweep);
}
