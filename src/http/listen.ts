// Opens the HTTP server with its time limits, and closes it without cutting off a request that is under way.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpListener {
  readonly port: number;
  /** Accepts nothing new and waits for what is under way, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** A client gets so long to send its headers, and then its whole request (security.md 94). */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 120_000;
/** Longer than the usual idle time of proxies, so that they close first. */
const keepAliveTimeoutMs = 65_000;
const connectionsMax = 10_000;

export async function listen(handler: RequestListener, port: number): Promise<HttpListener> {
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
    handler,
  );
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: (timeoutMs) => drain(server, timeoutMs) };
}

function drain(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
    // A kept-alive connection that is busy now must be closed with its answer, or it would wait for its next request.
    server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
