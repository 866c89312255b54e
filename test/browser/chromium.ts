// The system's Chromium, quiet and without a network of its own, and small web servers for it to visit.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** `program` comes from `describeWith('chromium', ...)`. */
export function launchChromium(program: string, moreFlags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: [...flags, ...moreFlags] });
}

export interface Visited {
  readonly page: Page;
  /** What the console said: errors, warnings, refusals of the Content-Security-Policy. */
  readonly complaints: readonly string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Visited> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints };
}

export interface WebServer {
  readonly origin: string;
  close(): Promise<void>;
}

/** `form` is the body of a POST. */
export type Answer = (
  request: { readonly method: string; readonly url: URL; readonly form: URLSearchParams },
  response: ServerResponse,
) => void;

export async function startWebServer(answer: Answer): Promise<WebServer> {
  const server = createServer((request, response) => {
    readForm(request).then(
      (form) => answer({ method: request.method ?? '', url: new URL(request.url ?? '/', 'http://x'), form }, response),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
