// The queue, in PostgreSQL or in Redis, behind one interface: https://docs.bullmq.io/guide/postgresql

import type { EventEmitter } from 'node:events';
import { type IQueueBackend, type Job, withBackend } from 'bullmq';
import { errorFields, type JobLog } from './observe.ts';
import { type Backend, type PostgresQueue, postgresBackend, redisBackend } from './queue-backend.ts';
import type { JobTiming } from './timing.ts';

/** What a job carries: PostgreSQL holds the event, the queue is only a doorbell. */
export interface JobKey {
  readonly topic: string;
  readonly tenantId: number;
  readonly outboxId: string;
}

/** A job as it comes out of the queue, where anybody may have put it. */
export interface Delivery {
  readonly topic: string;
  readonly data: unknown;
  /** 1 at the first start; every further one means that the start before did not end well. */
  readonly starts: number;
}

export interface Producer {
  /** A job that is still in the queue is not added again. */
  add(jobs: readonly JobKey[]): Promise<void>;
  close(): Promise<void>;
}

export interface Consumer {
  /** Takes no more jobs and waits for those under way. */
  close(): Promise<void>;
}

/** Connecting fails when the queue is away; once connected, producer and consumer come back by themselves. */
export interface Queues {
  connectProducer(): Promise<Producer>;
  /** `run` is called again, later, when it throws. */
  connectConsumer(run: (delivery: Delivery) => Promise<void>, concurrency: number): Promise<Consumer>;
}

export type QueueConnection = { readonly redisUrl: string } | PostgresQueue;

export const queueName = 'outbox';
/** In front of the keys in Redis, which other programs may use too. */
export const redisPrefix = 'hpms';
const quietMs = 1_000;
/** Nobody reads BullMQ's event stream; it is kept short. */
const queueEventsMax = 1_000;

/** Where no Redis is given the jobs are in schema `jobs` of the database. */
export function createQueues(connection: QueueConnection, timing: JobTiming, log: JobLog): Queues {
  return 'redisUrl' in connection
    ? queuesOn(redisBackend(connection.redisUrl), timing, log)
    : queuesOn(postgresBackend(connection), timing, log);
}

function queuesOn<B extends IQueueBackend, C>(backend: Backend<B, C>, timing: JobTiming, log: JobLog): Queues {
  const { Queue, Worker } = withBackend(backend.factory);
  const onError = warnSparsely(log);
  return {
    async connectProducer() {
      await backend.refuseUnsafe();
      const queue = new Queue<unknown, void>(queueName, {
        prefix: redisPrefix,
        connection: backend.producer,
        defaultJobOptions: jobOptions(timing),
        streams: { events: { maxLen: queueEventsMax } },
      });
      queue.on('error', onError);
      await readyOrClosed(queue);
      return {
        async add(jobs) {
          // Not addBulk: with PostgreSQL that makes and drops two temporary tables, for which the role has no right.
          await Promise.all(jobs.map(({ topic, ...data }) => queue.add(topic, data, { jobId: data.outboxId })));
        },
        close() {
          letGo(queue, onError);
          return queue.close();
        },
      };
    },
    async connectConsumer(run, concurrency) {
      await backend.refuseUnsafe();
      const worker = new Worker<unknown, void>(queueName, (job) => run(readJob(job)), {
        prefix: redisPrefix,
        connection: backend.consumer,
        autorun: false,
        concurrency,
        lockDuration: timing.lockMs,
        stalledInterval: timing.lockMs / 3,
        // Starts are counted in the outbox.
        maxStalledCount: timing.attemptsMax,
        // After its connection was refused; the default is 15 s.
        runRetryDelay: 1_000,
      });
      worker.on('error', onError);
      worker.on('stalled', (outboxId) => log.warn({ outboxId }, 'A job was interrupted and starts again.'));
      await readyOrClosed(worker);
      worker.run().catch(onError);
      return {
        close() {
          letGo(worker, onError);
          return worker.close();
        },
      };
    },
  };
}

/** Whoever closes a connection does not care how it ends: the database may be stopping at the same time. */
function letGo(one: EventEmitter, onError: (error: unknown) => void): void {
  one.on('error', () => undefined);
  one.off('error', onError);
}

/** While the queue is away every try reports an error, many in a second. */
function warnSparsely(log: JobLog): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + quietMs;
    log.warn(errorFields(error), 'The queue reports an error.');
  };
}

/** A finished job leaves the queue, because one that stays would keep its event from ever being published again. */
function jobOptions(timing: JobTiming) {
  return {
    // One more than the outbox allows, so that the outbox decides.
    attempts: timing.attemptsMax + 1,
    backoff: { type: 'exponential', delay: timing.backoffMs, jitter: 0.5 },
    removeOnComplete: true,
    removeOnFail: true,
  };
}

function readJob(job: Job<unknown, void>): Delivery {
  return { topic: job.name, data: job.data, starts: job.attemptsStarted };
}

async function readyOrClosed(one: { waitUntilReady(): Promise<unknown>; close(): Promise<void> }): Promise<void> {
  try {
    await one.waitUntilReady();
  } catch (error) {
    await one.close().catch(() => undefined);
    throw error;
  }
}
