// Hands committed outbox rows to the queue, and again whatever the queue has lost: https://microservices.io/patterns/data/polling-publisher.html

import { setTimeout as delay } from 'node:timers/promises';
import { type ListenOptions, listen } from '../database/listen.ts';
import type { Statement } from '../database/statement.ts';
import type { SystemDoor } from '../database/system-transaction.ts';
import type { Transaction } from '../database/transaction.ts';
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
/**
 * Of a tenant so many are in the queue, which knows no tenants and hands out what came first: those behind wait in the outbox, and no
 * other tenant's waits behind them. What has failed already, and waits to be tried again, does not count.
 */
const queuedMax = 50;
/** Then some of those are done. */
const fullPauseMs = 50;
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
      const isFull = await publishPending(signal, options);
      failures = 0;
      await bell.heard(isFull ? fullPauseMs : options.timing.pollMs);
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
const marked = `
  UPDATE outbox SET status = 'published', published_at = clock_timestamp()
  FROM taken WHERE outbox.tenant_id = taken.tenant_id AND outbox.id = taken.id
  RETURNING outbox.tenant_id, outbox.id, outbox.topic,
    (extract(epoch FROM clock_timestamp() - outbox.created_at) * 1000)::float8 AS age_ms`;

/** Events of tenants that are suspended or shredded wait. */
const isWanted = "tenant.status NOT IN ('suspended', 'shredded')";

/** Of each tenant that has some the oldest, as many as there is room for; `is_full` where there is room for no more. */
const takePending: Statement = {
  name: 'outbox-take-pending',
  text: `
    WITH RECURSIVE crowd AS (
      (SELECT tenant_id FROM outbox WHERE status = 'pending' ORDER BY tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT o.tenant_id FROM outbox o WHERE o.status = 'pending' AND o.tenant_id > crowd.tenant_id ORDER BY o.tenant_id LIMIT 1)
      FROM crowd WHERE crowd.tenant_id IS NOT NULL),
    room AS MATERIALIZED (
      SELECT tenant.id AS tenant_id, ${queuedMax} - (
        SELECT count(*) FROM (
          SELECT FROM outbox WHERE tenant_id = tenant.id AND status = 'published' AND attempts = 0 LIMIT ${queuedMax}) queued) AS free
      FROM crowd JOIN tenant ON tenant.id = crowd.tenant_id WHERE ${isWanted}),
    taken AS MATERIALIZED (
      SELECT pending.* FROM room CROSS JOIN LATERAL (
        SELECT tenant_id, id FROM outbox WHERE tenant_id = room.tenant_id AND status = 'pending'
        ORDER BY created_at LIMIT room.free FOR NO KEY UPDATE SKIP LOCKED) pending
      LIMIT ${batchSizeMax}),
    marked AS (${marked})
    SELECT marked.*, EXISTS (
      SELECT FROM room WHERE free <= (SELECT count(*) FROM taken WHERE taken.tenant_id = room.tenant_id)) AS is_full
    FROM (SELECT) alone LEFT JOIN marked ON true`,
};

const takeOverdue = (republishAfterMs: number): Statement => ({
  name: 'outbox-take-overdue',
  text: `
    WITH taken AS MATERIALIZED (
      SELECT tenant_id, id FROM outbox
      WHERE status = 'published' AND published_at < now() - make_interval(secs => $1)
        AND EXISTS (SELECT FROM tenant WHERE tenant.id = outbox.tenant_id AND ${isWanted})
      ORDER BY published_at LIMIT ${batchSizeMax} FOR NO KEY UPDATE SKIP LOCKED)
    ${marked}`,
  values: [republishAfterMs / 1_000],
});

interface TakenRow {
  readonly tenant_id: number;
  readonly id: string;
  readonly topic: string;
  readonly age_ms: number;
  readonly is_full?: boolean;
}

/** The one row where none was taken. */
interface Nothing {
  readonly id: null;
  readonly is_full: boolean;
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

/** True where a tenant has as many in the queue as it may. */
async function publishPending(signal: AbortSignal, options: RelayOptions): Promise<boolean> {
  for (;;) {
    let isFull = false;
    const count = await publishBatch(options, async (trx) => {
      const rows = await trx.query<TakenRow | Nothing>(takePending);
      isFull = rows.some(({ is_full }) => is_full === true);
      const taken = rows.filter((row): row is TakenRow => row.id !== null);
      options.metrics.relayLag(Math.max(0, ...taken.map((row) => row.age_ms)));
      return taken;
    });
    if (count < batchSizeMax || signal.aborted) return isFull;
  }
}

/** What is still in the queue is not added twice; what it has lost, or given up, starts again. */
async function publishOverdue(signal: AbortSignal, options: RelayOptions): Promise<void> {
  const statement = takeOverdue(options.timing.republishAfterMs);
  let total = 0;
  let count: number;
  do {
    count = await publishBatch(options, (trx) => trx.query<TakenRow>(statement));
    total += count;
  } while (count === batchSizeMax && !signal.aborted);
  if (total > 0) options.log.info({ events: total }, 'Events were not done in time and are published again.');
}

async function publishBatch(
  { systemDoor, producer, reached }: RelayOptions,
  take: (trx: Transaction) => Promise<readonly TakenRow[]>,
): Promise<number> {
  return systemDoor(async (trx) => {
    const rows = await take(trx);
    if (rows.length === 0) return 0;
    await producer.add(rows.map((row) => ({ topic: row.topic, tenantId: row.tenant_id, outboxId: row.id })));
    await reached?.('relay-added');
    return rows.length;
  });
}
