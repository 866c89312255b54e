// Hands committed outbox rows to the queue, and again whatever the queue has lost: https://microservices.io/patterns/data/polling-publisher.html

import { setTimeout as delay } from 'node:timers/promises';
import { type ListenOptions, listen } from '../database/listen.ts';
import type { Statement } from '../database/statement.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import { Bell } from './bell.ts';
import { errorFields, type JobLog, type JobMetrics, type Reached } from './observe.ts';
import type { Producer } from './queue.ts';
import type { JobTiming } from './timing.ts';

export interface RelayOptions {
  readonly producer: Producer;
  readonly systemDoor: SystemDoor;
  /** Of role hpms_system, for LISTEN. */
  readonly listenConnection: ListenOptions['connection'];
  readonly timing: JobTiming;
  readonly log: JobLog;
  readonly metrics: JobMetrics;
  readonly reached?: Reached | undefined;
}

export interface Relay {
  /** Finishes the batch under way. */
  close(): Promise<void>;
}

/** Any number of relays may run at once: each row is locked by one of them and skipped by the others. */
export function startRelay(options: RelayOptions): Relay {
  const closing = new AbortController();
  const bell = new Bell();
  const listener = listen({
    connection: options.listenConnection,
    channel: 'hpms_outbox',
    onNotice: () => bell.ring(),
    onAway: (error) => options.log.warn(errorFields(error), 'The relay does not hear the outbox and polls meanwhile.'),
  });
  const running = publishUntil(closing.signal, bell, options);
  return {
    async close() {
      closing.abort();
      bell.ring();
      await Promise.all([listener.close(), running]);
    },
  };
}

const batchSizeMax = 100;
const pauseMsMax = 2_000;

async function publishUntil(signal: AbortSignal, bell: Bell, options: RelayOptions): Promise<void> {
  let failures = 0;
  let sweepAt = 0;
  while (!signal.aborted) {
    try {
      if (performance.now() >= sweepAt) {
        await wakeDue(options);
        await publishOverdue(signal, options);
        sweepAt = performance.now() + options.timing.pollMs;
      }
      await publishPending(signal, options);
      failures = 0;
      await bell.heard(options.timing.pollMs);
    } catch (error) {
      failures += 1;
      options.log.warn({ ...errorFields(error), failures }, 'The relay could not publish and will try again.');
      // Not woken by the bell: every write would make it try.
      const pauseMs = Math.min(50 * 2 ** failures, pauseMsMax) * (0.5 + Math.random() / 2);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Marks and returns rows in one statement; the mark counts only when the jobs are in the queue and the relay commits. */
function take(name: string, condition: string, values: readonly unknown[]): Statement {
  return {
    name,
    values,
    text: `
      WITH taken AS MATERIALIZED (
        SELECT tenant_id, id FROM outbox WHERE ${condition} LIMIT ${batchSizeMax} FOR NO KEY UPDATE SKIP LOCKED)
      UPDATE outbox SET status = 'published', published_at = clock_timestamp()
      FROM taken WHERE outbox.tenant_id = taken.tenant_id AND outbox.id = taken.id
      RETURNING outbox.tenant_id, outbox.id, outbox.topic,
        (extract(epoch FROM clock_timestamp() - outbox.created_at) * 1000)::float8 AS age_ms`,
  };
}

/** Events of tenants that are suspended or shredded wait. */
const isWanted = `NOT EXISTS (
  SELECT FROM tenant WHERE tenant.id = outbox.tenant_id AND tenant.status IN ('suspended', 'shredded'))`;

const takePending = take('outbox-take-pending', `status = 'pending' AND ${isWanted} ORDER BY created_at`, []);

const takeOverdue = (republishAfterMs: number): Statement =>
  take(
    'outbox-take-overdue',
    `status = 'published' AND published_at < now() - make_interval(secs => $1) AND ${isWanted} ORDER BY published_at`,
    [republishAfterMs / 1_000],
  );

interface TakenRow {
  readonly tenant_id: number;
  readonly id: string;
  readonly topic: string;
  readonly age_ms: number;
}

/** Their inserts rang the bell long ago; from here on they are like any others. */
async function wakeDue({ systemDoor }: RelayOptions): Promise<void> {
  await systemDoor(async (trx) => {
    trx.execute({
      name: 'outbox-wake-due',
      text: "UPDATE outbox SET status = 'pending' WHERE status = 'waiting' AND due_at <= now()",
    });
  });
}

async function publishPending(signal: AbortSignal, options: RelayOptions): Promise<void> {
  let count: number;
  do {
    count = await publishBatch(takePending, options, (rows) => {
      options.metrics.relayLag(Math.max(0, ...rows.map((row) => row.age_ms)));
    });
  } while (count === batchSizeMax && !signal.aborted);
}

/** What is still in the queue is not added twice; what it has lost, or given up, starts again. */
async function publishOverdue(signal: AbortSignal, options: RelayOptions): Promise<void> {
  const statement = takeOverdue(options.timing.republishAfterMs);
  let total = 0;
  let count: number;
  do {
    count = await publishBatch(statement, options);
    total += count;
  } while (count === batchSizeMax && !signal.aborted);
  if (total > 0) options.log.info({ events: total }, 'Events were not done in time and are published again.');
}

async function publishBatch(
  statement: Statement,
  { systemDoor, producer, reached }: RelayOptions,
  onTaken?: (rows: readonly TakenRow[]) => void,
): Promise<number> {
  return systemDoor(async (trx) => {
    const rows = await trx.query<TakenRow>(statement);
    onTaken?.(rows);
    if (rows.length === 0) return 0;
    await producer.add(rows.map((row) => ({ topic: row.topic, tenantId: row.tenant_id, outboxId: row.id })));
    await reached?.('relay-added');
    return rows.length;
  });
}
