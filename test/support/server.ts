// A whole HPMS in the test's process: own database, free port, the tenants `clinic-a` and `clinic-b`, and a client of each.

import { rmSync } from 'node:fs';
import { pino } from 'pino';
import { type App, type AppOptions, startApp } from '../../src/app.ts';
import type { Config } from '../../src/config.ts';
import type { RootSettings } from '../../src/root-settings.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { createTestDatabase, type TestDatabase, testKeys } from './database.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** In tokens and links; requests go to the port the server got. */
export const publicUrl = 'http://hpms.test';

export interface TestServer {
  readonly app: App;
  readonly database: TestDatabase;
  readonly origin: string;
  readonly dataDir: string;
  readonly a: TestTenant;
  readonly b: TestTenant;
  /** What the server logged, one JSON text a line. */
  readonly logLines: readonly string[];
  close(): Promise<void>;
}

export interface TestTenant {
  readonly id: number;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly token: string;
  /** The FHIR base in links of answers. */
  readonly baseUrl: string;
  /** `path` is relative to the FHIR base; a body that is no string is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at members that only this answer has.
  readonly json: any;
}

export type TestServerOptions = Partial<Omit<AppOptions, 'config'>> & {
  readonly redisUrl?: string;
  readonly smtpUrl?: string;
  /** A root key elsewhere, in place of the one in memory. */
  readonly root?: RootSettings;
  readonly port?: number;
};

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const logLines: string[] = [];
  const { redisUrl, smtpUrl, root, port = 0, ...rest } = options;
  const dataDir = makeTemporaryFolder();
  const usual = testConfig(dataDir, port, redisUrl);
  const config = root === undefined ? usual : { ...usual, crypto: { ...usual.crypto, root } };
  const app = await startApp({
    config: smtpUrl === undefined ? config : { ...config, mail: { ...config.mail, smtpUrl } },
    databaseUrl: database.url,
    does: { api: true, jobs: true },
    onFatal(error) {
      throw error;
    },
    log: pino({ level: 'info' }, { write: (line: string) => logLines.push(line) }),
    ...rest,
  });
  const origin = `http://127.0.0.1:${app.port}`;
  return {
    app,
    database,
    origin,
    dataDir,
    logLines,
    a: await makeTenant(app, origin, 'clinic-a'),
    b: await makeTenant(app, origin, 'clinic-b'),
    async close() {
      await app.close();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function testConfig(dataDir: string, port: number, redisUrl?: string): Config {
  return {
    dataDir,
    database: {},
    crypto: testKeys,
    http: { port, publicUrl },
    jobs: redisUrl === undefined ? {} : { redisUrl },
    mail: { from: 'clinic@hpms.test' },
    outbound: { allowedHosts: ['127.0.0.1', 'localhost'] },
    log: { level: 'info' },
  };
}

/** Access tokens live for five minutes, long tests for longer. */
const tokenAgeMaxMs = 200_000;

async function makeTenant(app: App, origin: string, name: string): Promise<TestTenant> {
  const { tenantId, clientId, clientSecret } = await createTenant(app.doors, { name });
  // Tests are full of patients who are alike; the Tasks about these are asked for where they are meant.
  await app.doors.tenantDoor(tenantId, async (trx) => writeSetting(trx, 'patients.check-duplicates', false));
  const ask = () => fetchToken(origin, name, clientId, clientSecret);
  const token = await ask();
  let current = { token: Promise.resolve(token), gotAtMs: performance.now() };
  const currentToken = () => {
    if (performance.now() - current.gotAtMs > tokenAgeMaxMs) current = { token: ask(), gotAtMs: performance.now() };
    return current.token;
  };
  return {
    id: tenantId,
    name,
    clientId,
    clientSecret,
    token,
    baseUrl: `${publicUrl}/t/${name}/fhir`,
    async request(method, path, body, headers = {}) {
      const authorization = { Authorization: `Bearer ${await currentToken()}` };
      return await send(`${origin}/t/${name}/fhir${path}`, method, body, { ...authorization, ...headers });
    },
  };
}

export async function fetchToken(
  origin: string,
  tenant: string,
  clientId: string,
  clientSecret: string,
): Promise<string> {
  const response = await fetch(`${origin}/t/${tenant}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`There is no token: ${response.status}`);
  return token;
}

/** Headers with an empty value are left out, also those that are always sent. Only who asks for a compressed answer gets one. */
export async function send(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<TestResponse> {
  const all = {
    'Accept-Encoding': 'identity',
    ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }),
    ...headers,
  };
  const response = await fetch(url, {
    method,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson(response) ? JSON.parse(text) : undefined,
  };
}

function isJson(response: Response): boolean {
  return /json/.test(response.headers.get('Content-Type') ?? '') && response.status !== 204;
}
