// What a fault test stands on: a database with two tenants, a client of each that outlives any one server, and the servers' log.

import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { pino } from 'pino';
import { type App, type AppOptions, startApp } from '../../src/app.ts';
import { openDoors } from '../../src/doors.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { runSql } from '../jobs/job-bed.ts';
import { createTestDatabase, type TestDatabase, testKeys } from '../support/database.ts';
import { fetchToken, publicUrl, send, type TestResponse, testConfig } from '../support/server.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { endProcesses, type LogLine } from './processes.ts';
import { killTiming } from './queue-kills.ts';

export type BedOptions = Partial<Omit<AppOptions, 'config'>> & { readonly redisUrl?: string };

export class FaultBed {
  /** Reached past every proxy, as superuser. */
  readonly database: TestDatabase;
  /** Stored objects; also the data directory of processes. */
  readonly dataDir: string;
  readonly logged: LogLine[] = [];
  readonly a: FaultClient;
  readonly b: FaultClient;
  /** Where the clients send to. */
  origin = '';
  readonly #apps: App[] = [];

  static async open(database?: TestDatabase): Promise<FaultBed> {
    const own = database ?? (await createTestDatabase());
    const doors = openDoors({ databaseUrl: own.url, ...testKeys, onIdleError: () => undefined });
    const a = await createTenant(doors, { name: 'clinic-a' });
    const b = await createTenant(doors, { name: 'clinic-b' });
    await doors.close();
    return new FaultBed(own, [a, b]);
  }

  private constructor(database: TestDatabase, [a, b]: readonly [TenantAccess, TenantAccess]) {
    this.database = database;
    this.dataDir = makeTemporaryFolder();
    this.a = new FaultClient(this, a);
    this.b = new FaultClient(this, b);
  }

  /** A server in this process, with jobs that are quick to find what was lost; the clients go to it from now on. */
  async start({ redisUrl, ...options }: BedOptions = {}): Promise<App> {
    const app = await startApp({
      config: testConfig(this.dataDir, 0, redisUrl),
      databaseUrl: this.database.url,
      does: { api: true, jobs: true },
      timing: killTiming,
      onFatal: (error) => void this.logged.push({ level: 60, msg: String(error) }),
      log: pino({ level: 'info' }, { write: (line: string) => void this.logged.push(JSON.parse(line) as LogLine) }),
      ...options,
    });
    this.#apps.push(app);
    if (options.does?.api !== false) this.origin = `http://127.0.0.1:${app.port}`;
    return app;
  }

  sql<Row>(text: string, values?: unknown[]): Promise<Row[]> {
    return runSql<Row>(this.database.url, text, values);
  }

  async close(): Promise<void> {
    await endProcesses();
    await Promise.all(this.#apps.map((app) => app.close()));
    await this.database.drop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

export interface TenantAccess {
  readonly tenantId: number;
  readonly tenant: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Tokens live five minutes. */
const tokenLifeMs = 200_000;

export class FaultClient {
  readonly tenantId: number;
  readonly name: string;
  readonly #bed: { readonly origin: string };
  readonly #access: TenantAccess;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(bed: { readonly origin: string }, access: TenantAccess) {
    this.tenantId = access.tenantId;
    this.name = access.tenant;
    this.#bed = bed;
    this.#access = access;
  }

  /** Gets a token now, so that nothing but the request itself meets the fault. */
  async authorize(): Promise<string> {
    if (this.#token && this.#token.until > Date.now()) return this.#token.text;
    const { clientId, clientSecret } = this.#access;
    const text = await fetchToken(this.#bed.origin, this.name, clientId, clientSecret);
    this.#token = { text, until: Date.now() + tokenLifeMs };
    return text;
  }

  /** For a database that was restored to a time before it was issued. */
  forgetToken(): void {
    this.#token = undefined;
  }

  /** Rejects when the connection fails. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestResponse> {
    const token = await this.authorize();
    const url = `${this.#bed.origin}/t/${this.name}/fhir${path}`;
    return await send(url, method, body, { Authorization: `Bearer ${token}`, ...headers });
  }

  /** Throws unless the server does it. */
  async create<T extends Resource>(resource: T): Promise<T & { readonly id: string }> {
    const answer = await this.request('POST', `/${resource.resourceType}`, resource);
    if (answer.status !== 201) throw new Error(`${resource.resourceType}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** Throws unless the server does it. */
  async update<T extends Resource>(resource: T): Promise<T> {
    const answer = await this.request('PUT', `/${resource.resourceType}/${resource.id}`, resource);
    if (answer.status !== 200) throw new Error(`${resource.resourceType}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** Every page of a search. */
  async all<T extends Resource>(type: T['resourceType'], query = ''): Promise<(T & { readonly id: string })[]> {
    const found: (T & { readonly id: string })[] = [];
    let path: string | undefined = `/${type}?_count=500${query}`;
    while (path !== undefined) {
      const answer: TestResponse = await this.request('GET', path);
      if (answer.status !== 200) throw new Error(`Search of ${type}: ${answer.status} ${answer.text}`);
      const page = answer.json as Bundle;
      for (const { resource } of page.entry ?? []) found.push(resource as T & { readonly id: string });
      path = page.link
        ?.find(({ relation }) => relation === 'next')
        ?.url.replace(`${publicUrl}/t/${this.name}/fhir`, '');
    }
    return found;
  }
}

/** Looks until it is so, or says after `deadlineMs` what it waited for. */
export async function waitFor(
  what: string | (() => string),
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  for (const end = Date.now() + deadlineMs; !(await isSo()); await delay(15)) {
    if (Date.now() > end)
      throw new Error(`After ${deadlineMs / 1_000} s there is still not: ${typeof what === 'string' ? what : what()}.`);
  }
}
