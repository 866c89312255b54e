// How BullMQ reaches the queue's store, which is schema `jobs` of PostgreSQL or a Redis: https://docs.bullmq.io/guide/connections

import { setTimeout as delay } from 'node:timers/promises';
import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type PostgresPoolConfig,
} from 'bullmq';
import { Redis } from 'ioredis';
import { connectionSettings } from '../database/pool.ts';
import { UnsafeQueueError } from './unsafe-queue-error.ts';

export interface Backend<B extends IQueueBackend, C> {
  readonly factory: BackendFactory<B, C>;
  readonly producer: C;
  readonly consumer: C;
  /** Throws UnsafeQueueError when what stands there would lose jobs. */
  refuseUnsafe(): Promise<void>;
}

export interface PostgresQueue {
  readonly databaseUrl: string;
  readonly rootKey: Buffer;
}

const answerTimeoutMs = 5_000;
const connectTimeoutMs = 3_000;
const reconnectMsMax = 2_000;
const pauseMs = 200;

export function postgresBackend({ databaseUrl, rootKey }: PostgresQueue) {
  const settings = connectionSettings({ databaseUrl, role: 'hpms_queue', rootKey }) as PostgresPoolConfig;
  const connection = {
    ...settings,
    // A commit that a crash undoes is a job to publish or to handle again, and both have one effect: no need to wait for the disk.
    options: `${settings.options} -c synchronous_commit=off`,
    schema: 'jobs',
    migrate: false,
    max: 4,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
  return {
    factory: pausingPostgresBackend,
    producer: { ...connection, query_timeout: answerTimeoutMs },
    consumer: connection,
    refuseUnsafe: async () => undefined,
  };
}

/** BullMQ's worker asks again at once after any error but a refused connection, and would eat a core while PostgreSQL restarts. */
const pausingPostgresBackend: typeof createPostgresBackend = (...args) => {
  const backend = createPostgresBackend(...args);
  const moveToActive = backend.moveToActive.bind(backend);
  backend.moveToActive = async (...token) => {
    try {
      return await moveToActive(...token);
    } catch (error) {
      await delay(pauseMs);
      throw error;
    }
  };
  return backend;
};

export function redisBackend(url: string) {
  const connection = {
    url,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (times: number) => Math.min(times * 100, reconnectMsMax),
  };
  return {
    factory: createRedisBackend,
    // Fails at once when Redis is away: the outbox keeps what is to be added.
    producer: { ...connection, enableOfflineQueue: false, commandTimeout: answerTimeoutMs },
    consumer: { ...connection, maxRetriesPerRequest: null },
    refuseUnsafe: () => refuseEviction(url),
  };
}

/** A Redis that throws keys away when memory runs short breaks the queue: https://docs.bullmq.io/guide/going-to-production */
async function refuseEviction(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: answerTimeoutMs,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    throw new UnsafeQueueError(`Redis has the maxmemory-policy ${policy}; allowed is noeviction.`);
  } finally {
    client.disconnect();
  }
}
