// What the tests of jobs share: a database with two tenants, a queue on either backend, handlers whose effects can be counted.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { createPostgresBackend, createRedisBackend, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { connectionSettings, createPool, type Pool } from '../../src/database/pool.ts';
import { createSystemDoor, type SystemDoor } from '../../src/database/system-transaction.ts';
import { createTenantDoor, type TenantDoor } from '../../src/database/tenant-transaction.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JobLog, JobMetrics } from '../../src/jobs/observe.ts';
import { addToOutbox, type JobHandler, type NewOutboxEvent } from '../../src/jobs/outbox.ts';
import { createQueues, type QueueConnection, queueName, redisPrefix } from '../../src/jobs/queue.ts';
import { type Jobs, type JobsOptions, startJobs } from '../../src/jobs/start.ts';
import type { JobTiming } from '../../src/jobs/timing.ts';
import { createTestDatabase, type TestDatabase, testRootKey } from '../support/database.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { countingHandler, effectKey, quickTiming, topic } from './counting-handler.ts';

/** One queue on one backend, which can go away and lose everything. */
export interface TestQueue {
  connection(database: TestDatabase): QueueConnection;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** Loses all jobs, as with FLUSHALL. */
  flush(database: TestDatabase): Promise<void>;
  stop(): Promise<void>;
}

/** Runs the tests that `block` defines on PostgreSQL, and on Redis where there is one. */
export function onBothBackends(title: string, block: (bed: () => JobBed) => void): void {
  describe(`${title}, on PostgreSQL`, () => block(openBed(startPostgresQueue)));
  describeWith('redis', `${title}, on Redis`, (program) => block(openBed(() => startRedisQueue(program))));
}

async function startPostgresQueue(database: TestDatabase): Promise<TestQueue> {
  const proxy: TcpProxy = await startTcpProxy(database.url);
  return {
    connection: () => ({ databaseUrl: proxy.url, rootKey: testRootKey }),
    goAway: async () => proxy.set({ refuse: true }),
    comeBack: async () => proxy.set({ refuse: false }),
    async flush({ url }) {
      await runSql(url, 'TRUNCATE jobs.job CASCADE');
    },
    stop: () => proxy.close(),
  };
}

async function startRedisQueue(program: string): Promise<TestQueue> {
  const server: TestRedis = await startRedis(program);
  return {
    connection: () => ({ redisUrl: server.url }),
    goAway: () => server.kill(),
    comeBack: () => server.start(),
    async flush() {
      const client = new Redis(server.url);
      await client.flushall();
      client.disconnect();
    },
    stop: () => server.stop(),
  };
}

function openBed(startQueue: (database: TestDatabase) => Promise<TestQueue>): () => JobBed {
  let bed: JobBed;
  beforeAll(async () => {
    const database = await createTestDatabase();
    bed = await JobBed.open(database, await startQueue(database));
  });
  afterAll(() => bed.close());
  return () => bed;
}

type StartOptions = Partial<JobTiming> &
  Pick<JobsOptions, 'reached'> & {
    readonly handlers?: readonly JobHandler[];
    readonly parts?: 'both' | 'relay' | 'worker';
    readonly concurrency?: number;
  };

export class JobBed {
  readonly database: TestDatabase;
  readonly queue: TestQueue;
  readonly tenantDoor: TenantDoor;
  readonly systemDoor: SystemDoor;
  readonly tenants: readonly [number, number];
  /** What was logged and measured since the bed was opened. */
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  readonly measured: string[] = [];
  readonly lagsMs: number[] = [];
  readonly #pools: readonly Pool[];
  readonly #started: Jobs[] = [];
  #keys = 0;

  static async open(database: TestDatabase, queue: TestQueue): Promise<JobBed> {
    const tenants = await runSql<{ id: number }>(
      database.url,
      "INSERT INTO store.tenant (name, display) VALUES ('a', 'A'), ('b', 'B') RETURNING id",
    );
    return new JobBed(database, queue, [tenants[0]!.id, tenants[1]!.id]);
  }

  private constructor(database: TestDatabase, queue: TestQueue, tenants: readonly [number, number]) {
    const pool = (role: 'hpms_app' | 'hpms_system') =>
      createPool({
        databaseUrl: database.url,
        role,
        rootKey: testRootKey,
        connectionsMax: 8,
        waitingMax: 1_000,
        onIdleError: () => undefined,
      });
    const [app, system] = [pool('hpms_app'), pool('hpms_system')];
    this.database = database;
    this.queue = queue;
    this.tenants = tenants;
    this.tenantDoor = createTenantDoor(app);
    this.systemDoor = createSystemDoor(system);
    this.#pools = [app, system];
  }

  /** The parts under test; closed at the end if not before. */
  start({
    handlers = [countingHandler()],
    parts = 'both',
    concurrency = 4,
    reached,
    ...timing
  }: StartOptions = {}): Jobs {
    const log = this.log();
    const allTiming = { ...quickTiming, ...timing };
    const listenConnection = connectionSettings({
      databaseUrl: this.database.url,
      role: 'hpms_system',
      rootKey: testRootKey,
    });
    const jobs = startJobs({
      queues: createQueues(this.queue.connection(this.database), allTiming, log),
      ...(parts === 'worker' ? {} : { relay: { systemDoor: this.systemDoor, listenConnection } }),
      ...(parts === 'relay' ? {} : { worker: { tenantDoor: this.tenantDoor, handlers, concurrency } }),
      timing: allTiming,
      log,
      metrics: this.metrics(),
      reached,
    });
    this.#started.push(jobs);
    return jobs;
  }

  log(): JobLog {
    const at = (level: string) => (fields: object, message: string) =>
      void this.logged.push({ level, message, fields });
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }

  metrics(): JobMetrics {
    const measure = (name: string) => () => void this.measured.push(name);
    return {
      jobDone: measure('done'),
      jobFailed: measure('failed'),
      jobDead: measure('dead'),
      jobDropped: measure('dropped'),
      relayLag: (lagMs) => void this.lagsMs.push(lagMs),
    };
  }

  /** Commits so many new events in one transaction and gives their resource ids; tries again on 503, as a client would. */
  async add(count: number, tenantId = this.tenants[0], ofTopic = topic): Promise<string[]> {
    const events = Array.from({ length: count }, () => newEvent(`r${++this.#keys}`, ofTopic));
    const write = (): Promise<void> =>
      this.tenantDoor(tenantId, async (trx) => addToOutbox(trx, events)).catch((error: unknown) => {
        if (error instanceof FhirError && error.status === 503) return write();
        throw error;
      });
    await write();
    return events.map((event) => event.resourceId);
  }

  async outbox(resourceIds: readonly string[]): Promise<OutboxState[]> {
    return runSql<OutboxState>(
      this.database.url,
      `SELECT id, tenant_id AS "tenantId", resource_id AS "resourceId", status, attempts FROM store.outbox
       WHERE resource_id = ANY($1) ORDER BY id`,
      [resourceIds],
    );
  }

  async allAre(status: string, resourceIds: readonly string[]): Promise<void> {
    await until(async () => (await this.outbox(resourceIds)).every((row) => row.status === status));
  }

  /** How often each resource's event had its effect, by handler. */
  async effects(resourceIds: readonly string[], consumer = 'count'): Promise<number[]> {
    const rows = await runSql<{ key: string; value: number }>(
      this.database.url,
      'SELECT key, value FROM store.setting WHERE key = ANY($1)',
      [resourceIds.map((id) => effectKey(consumer, id))],
    );
    const byKey = new Map(rows.map((row) => [row.key, row.value]));
    return resourceIds.map((id) => byKey.get(effectKey(consumer, id)) ?? 0);
  }

  /** BullMQ's own queue, for what the relay would never do. */
  openQueue() {
    const connection = this.queue.connection(this.database);
    if ('redisUrl' in connection) {
      const { Queue } = withBackend(createRedisBackend);
      return new Queue(queueName, { connection: { url: connection.redisUrl }, prefix: redisPrefix });
    }
    const { Queue } = withBackend(createPostgresBackend);
    const settings = connectionSettings({ ...connection, role: 'hpms_queue' }) as object;
    return new Queue(queueName, { connection: { ...settings, schema: 'jobs' } });
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((jobs) => jobs.close(5_000)));
    await Promise.all(this.#pools.map((pool) => pool.end()));
    await this.queue.stop();
    await this.database.drop();
  }
}

export interface OutboxState {
  readonly id: string;
  readonly tenantId: number;
  readonly resourceId: string;
  readonly status: string;
  readonly attempts: number;
}

export function newEvent(resourceId: string, ofTopic = topic): NewOutboxEvent {
  return {
    eventKey: `${ofTopic}-${resourceId}`,
    topic: ofTopic,
    resourceType: 'Appointment',
    resourceId,
    oldVersionId: 1,
    newVersionId: 2,
  };
}

export async function runSql<Row>(url: string, text: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Looks until it is so; jest's timeout is the limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(10);
}
