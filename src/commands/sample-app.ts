// `npm run sample-app`: a SMART app of two pages, registered with the demo clinic and served beside it (README, Connect an app).

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DemoFailure } from './demo/demo-failure.ts';
import { type Connection, FhirClient } from './demo/fhir-client.ts';
import { openServer } from './demo/server.ts';

const top = path.join(import.meta.dirname, '..', '..');
const library = path.join(top, 'node_modules', 'fhirclient', 'build', 'fhir-client.min.js');
const pages = new Map([
  ['/', 'index.html'],
  ['/index.html', 'index.html'],
  ['/launch.html', 'launch.html'],
]);

try {
  await main(readPort());
} catch (error) {
  console.error(error instanceof DemoFailure ? error.message : error);
  process.exitCode = 1;
}

function readPort(): number {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string', default: '9000' } } });
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port > 0 && port < 65_536) return port;
  } catch {
    // Said below, as of a port that is none.
  }
  throw new DemoFailure('Use: npm run sample-app [-- --port NUMBER]');
}

async function main(port: number): Promise<void> {
  const origin = `http://localhost:${port}`;
  const server = await openServer((note) => console.log(note));
  const clinic = new FhirClient(server.connection);
  const clientId = await register(server.connection, await clinic.authorization(), origin);
  const settings = { iss: server.connection.fhirBaseUrl, clientId };
  const http = createServer((request, response) => answer(request, response, settings));
  http.listen(port, 'localhost');
  await once(http, 'listening');
  console.log(
    `The app is at ${origin}/launch.html (client ${clientId}). Sign in as a member of the demo clinic's staff.`,
  );
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  http.close();
  http.closeAllConnections();
  await clinic.close();
  await server.stop();
}

/** As a clinic's administrator does it; the app of an earlier run is taken again. */
async function register(connection: Connection, authorization: string, origin: string): Promise<string> {
  const clients = new URL(`/t/${connection.tenant}/admin/clients`, connection.fhirBaseUrl);
  const headers = { Authorization: authorization, 'Content-Type': 'application/json' };
  const app = {
    name: `Sample app at ${origin}`,
    grantTypes: ['authorization_code'],
    scope: 'launch launch/patient openid fhirUser patient/*.rs',
    tokenEndpointAuthMethod: 'none',
    redirectUris: [`${origin}/index.html`],
    launchUrl: `${origin}/launch.html`,
    origins: [origin],
  };
  const known = (await askAdmin(clients, { headers })) as { clientId: string; name: string; active: boolean }[];
  const earlier = known.find(({ name, active }) => name === app.name && active);
  if (earlier) return earlier.clientId;
  const made = await askAdmin(clients, { method: 'POST', headers, body: JSON.stringify(app) });
  return (made as { clientId: string }).clientId;
}

async function askAdmin(url: URL, options: RequestInit): Promise<unknown> {
  const response = await fetch(url, options);
  if (response.ok) return await response.json();
  throw new DemoFailure(`${url} answered ${response.status}: ${await response.text()}`);
}

function answer(request: IncomingMessage, response: ServerResponse, settings: object): void {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const page = pages.get(pathname);
  if (page) send(response, 'text/html; charset=utf-8', readFileSync(path.join(top, 'seeds', 'sample-app', page)));
  else if (pathname === '/fhir-client.js') send(response, 'text/javascript', readFileSync(library));
  else if (pathname === '/settings.js')
    send(response, 'text/javascript', `const settings = ${JSON.stringify(settings)};`);
  else response.writeHead(404).end();
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { 'Content-Type': type }).end(body);
}
