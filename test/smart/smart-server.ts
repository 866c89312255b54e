// Two tenants behind a real Koa app on a port of its own, and how a client talks to their authorization servers.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import Koa from 'koa';
import { createKeyRing, type KeyRing } from '../../src/crypto/key-ring.ts';
import { type Listener, listen } from '../../src/database/listen.ts';
import { connectionSettings, createPool, type Pool } from '../../src/database/pool.ts';
import { createSystemDoor, type SystemDoor } from '../../src/database/system-transaction.ts';
import { createTenantDoor, type TenantDoor } from '../../src/database/tenant-transaction.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { createSmart, type Smart } from '../../src/smart/smart.ts';
import { type CreatedTenant, createTenant } from '../../src/tenants/create-tenant.ts';
import { createTenantRegistry } from '../../src/tenants/registry.ts';
import { createTestDatabase, type TestDatabase, testRootKey } from '../support/database.ts';

/** Not where the server really listens: nothing may come from the Host header. */
export const publicUrl = 'https://fhir.clinic.test';

export interface SmartServer {
  readonly url: string;
  readonly database: TestDatabase;
  readonly tenantDoor: TenantDoor;
  readonly systemDoor: SystemDoor;
  readonly keyRing: KeyRing;
  readonly smart: Smart;
  readonly a: CreatedTenant;
  readonly b: CreatedTenant;
  readonly errors: unknown[];
  /** Notices of `hpms_access` that have arrived. */
  notices(): number;
  close(): Promise<void>;
}

/** `reach` may put a proxy between the server and its database. */
export async function startSmartServer(
  reach: (databaseUrl: string) => Promise<string> = async (url) => url,
): Promise<SmartServer> {
  const database = await createTestDatabase();
  const appPool = openPool(await reach(database.url), 'hpms_app');
  const systemPool = openPool(database.url, 'hpms_system');
  const tenantDoor = createTenantDoor(appPool);
  const systemDoor = createSystemDoor(systemPool);
  const keyRing = createKeyRing(testRootKey, tenantDoor);
  const errors: unknown[] = [];
  const { resourceTypes } = loadDefinitions();
  const onError = (error: unknown) => errors.push(error);
  const smart = createSmart({ publicUrl, tenantDoor, keyRing, resourceTypes, onError });
  const registry = createTenantRegistry(systemDoor);
  let notices = 0;
  const listener: Listener = listen({
    connection: connectionSettings({ databaseUrl: database.url, role: 'hpms_app', rootKey: testRootKey }),
    channel: 'hpms_access',
    onNotice: () => {
      notices += 1;
      registry.forget();
      smart.forget();
    },
    onAway: onError,
  });
  const context = { systemDoor, tenantDoor, keyRing };
  const a = await createTenant(context, { name: 'clinic-a', display: 'Clinic A' });
  const b = await createTenant(context, { name: 'clinic-b', display: 'Clinic B' });
  const server = await serve(createApp(smart, registry));
  return {
    ...{ url: server.url, database, tenantDoor, systemDoor, keyRing, smart, a, b, errors },
    notices: () => notices,
    async close() {
      server.http.close();
      server.http.closeAllConnections();
      await listener.close();
      await Promise.all([appPool.end(), systemPool.end()]);
      await database.drop();
    },
  };
}

export function openPool(databaseUrl: string, role: 'hpms_app' | 'hpms_system'): Pool {
  return createPool({
    ...{ databaseUrl, role, rootKey: testRootKey, connectionsMax: 8, waitingMax: 200 },
    onIdleError: () => undefined,
  });
}

function createApp(smart: Smart, registry: ReturnType<typeof createTenantRegistry>): Koa {
  const app = new Koa();
  app.use(async (ctx) => {
    const [, name = '', path = ''] = /^\/t\/([^/]+)(\/.*)$/.exec(ctx.path) ?? [];
    const tenant = await registry.find(name);
    if (!tenant) return;
    try {
      if (path === '/fhir/.well-known/smart-configuration') ctx.body = await smart.smartConfiguration(tenant);
      else if (path.startsWith('/fhir/')) {
        const caller = await smart.authenticate(tenant, ctx.headers.authorization);
        ctx.body = { ...caller, grants: caller.grants.length, roles: [...caller.roles], operations: undefined };
      } else await smart.handler(tenant)(ctx);
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      ctx.status = error.status;
      ctx.body = { issue: error.issues };
    }
  });
  return app;
}

async function serve(app: Koa): Promise<{ readonly http: Server; readonly url: string }> {
  const http = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever was answered.
  readonly body: any;
}

export async function post(
  url: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return await read(await fetch(url, { method: 'POST', body, headers: { ...type, ...headers } }));
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return await read(await fetch(url, { headers }));
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export function basic({ clientId, clientSecret }: Pick<CreatedTenant, 'clientId' | 'clientSecret'>) {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A token of the tenant's first client. */
export async function requestToken(server: SmartServer, tenant: CreatedTenant, scope?: string): Promise<string> {
  const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) };
  const answer = await post(`${server.url}/t/${tenant.tenant}/token`, form, basic(tenant));
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body.access_token as string;
}

export interface KeyPair {
  readonly publicJwk: Record<string, unknown>;
  readonly privateKey: CryptoKey;
  readonly alg: string;
}

export async function makeKeyPair(alg: 'RS384' | 'ES384', kid = 'key-1'): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey, alg };
}

export interface AssertionOptions {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
}

/** A client assertion for `aud` as SMART wants it; a test changes what it wants refused. */
export async function makeAssertion(
  keys: KeyPair,
  clientId: string,
  aud: string,
  { claims = {}, header = {} }: AssertionOptions = {},
): Promise<string> {
  const seconds = Math.floor(Date.now() / 1_000);
  const payload = { iss: clientId, sub: clientId, aud, jti: crypto.randomUUID(), exp: seconds + 240, ...claims };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: keys.alg, kid: 'key-1', typ: 'JWT', ...header })
    .sign(keys.privateKey);
}

export function assertionForm(assertion: string): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}
