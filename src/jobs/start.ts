// Starts relay and worker, in one process or apart, waits for a queue that is away, and drains both at the end.

import { setTimeout as delay } from 'node:timers/promises';
import { errorFields, type JobLog, type JobMetrics, type Reached } from './observe.ts';
import type { Queues } from './queue.ts';
import { type RelayOptions, startRelay } from './relay.ts';
import type { JobTiming } from './timing.ts';
import { UnsafeQueueError } from './unsafe-queue-error.ts';
import { createWorker, refuseTwins, type WorkerOptions } from './worker.ts';

export interface JobsOptions {
  readonly queues: Queues;
  /** Absent: another process has the relay. */
  readonly relay?: Pick<RelayOptions, 'systemDoor' | 'listenConnection'> | undefined;
  /** Absent: another process has the worker. */
  readonly worker?: Pick<WorkerOptions, 'tenantDoor' | 'handlers' | 'concurrency'> | undefined;
  readonly timing: JobTiming;
  readonly log: JobLog;
  readonly metrics: JobMetrics;
  readonly reached?: Reached | undefined;
}

export interface Jobs {
  /** Resolves when all parts run, however long the queue is away before; rejects when it must not be used as it is. */
  readonly ready: Promise<void>;
  /** Takes nothing new, waits for what runs, and gives up after `timeoutMs`: what was interrupted then starts again elsewhere. */
  close(timeoutMs: number): Promise<void>;
}

interface Part {
  close(): Promise<void>;
}

const pauseMsMax = 2_000;

export function startJobs(options: JobsOptions): Jobs {
  refuseTwins(options.worker?.handlers ?? []);
  const closing = new AbortController();
  const parts = [openRelay, openWorker].map((open) => openWhenThere(() => open(options), closing.signal, options.log));
  const ready = Promise.all(parts).then(() => undefined);
  // Whoever does not wait for it must not fall over it.
  ready.catch(() => undefined);
  return {
    ready,
    async close(timeoutMs) {
      closing.abort();
      const drained = closeAll(parts).then(() => true);
      if (!(await Promise.race([drained, delay(timeoutMs, false, { ref: false })]))) {
        options.log.warn({ timeoutMs }, 'Jobs were still running at the end of their time and will start again.');
      }
    },
  };
}

async function openRelay({ queues, relay, ...rest }: JobsOptions): Promise<Part | undefined> {
  if (!relay) return undefined;
  const producer = await queues.connectProducer();
  const running = startRelay({ ...rest, ...relay, producer });
  return {
    async close() {
      await running.close();
      await producer.close();
    },
  };
}

async function openWorker({ worker, ...rest }: JobsOptions): Promise<Part | undefined> {
  return worker && createWorker({ ...rest, ...worker });
}

async function openWhenThere(
  open: () => Promise<Part | undefined>,
  signal: AbortSignal,
  log: JobLog,
): Promise<Part | undefined> {
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      return await open();
    } catch (error) {
      if (error instanceof UnsafeQueueError) {
        log.error(errorFields(error), error.message);
        throw error;
      }
      log.warn(errorFields(error), 'The queue is away; jobs wait for it.');
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

async function closeAll(parts: readonly Promise<Part | undefined>[]): Promise<void> {
  const opened = await Promise.allSettled(parts);
  const closed = opened.map((one) => (one.status === 'fulfilled' ? one.value?.close() : undefined));
  await Promise.allSettled(closed);
}
