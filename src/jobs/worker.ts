// Runs the handlers of published events, each event's effects exactly once: https://microservices.io/patterns/communication-style/idempotent-consumer.html

import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { errorFields, type JobLog, type JobMetrics, type Reached } from './observe.ts';
import { type JobHandler, type OutboxEvent, SettledError } from './outbox.ts';
import type { Consumer, Delivery, JobKey, Queues } from './queue.ts';
import type { JobTiming } from './timing.ts';

export interface WorkerOptions {
  readonly queues: Queues;
  readonly tenantDoor: TenantDoor;
  readonly handlers: readonly JobHandler[];
  /** Jobs at a time; each holds one connection of the tenant door. */
  readonly concurrency: number;
  readonly timing: JobTiming;
  readonly log: JobLog;
  readonly metrics: JobMetrics;
  readonly reached?: Reached | undefined;
}

/** Stalled, repeated and reordered deliveries are harmless: the inbox row is part of the transaction of the effects. */
export function createWorker(options: WorkerOptions): Promise<Consumer> {
  const handlersByTopic = Map.groupBy(options.handlers, (handler) => handler.topic);
  return options.queues.connectConsumer(
    (delivery) => deliver(delivery, handlersByTopic.get(delivery.topic) ?? [], options),
    options.concurrency,
  );
}

/** Throws when two handlers share topic and name: the inbox would take the second for the first. */
export function refuseTwins(handlers: readonly JobHandler[]): void {
  const names = handlers.map(({ topic, consumer }) => `${topic} ${consumer}`);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin !== undefined) throw new Error(`Two job handlers have the same topic and consumer: ${twin}.`);
}

async function deliver(delivery: Delivery, handlers: readonly JobHandler[], options: WorkerOptions): Promise<void> {
  const { log, metrics, reached } = options;
  const job = readJobKey(delivery);
  const startedAt = performance.now();
  let outcome: Outcome;
  try {
    outcome = job ? await handle(job, delivery.starts, handlers, options) : 'unknown';
  } catch (error) {
    metrics.jobFailed(delivery.topic);
    log.warn({ ...job, starts: delivery.starts, ...errorFields(error) }, 'A job failed and will be tried again.');
    // The queue stores what it is thrown, and must hold nothing but ids.
    throw new Error('The job failed; the log says why.');
  }
  if (outcome === 'unknown') {
    metrics.jobDropped();
    log.warn({ ...job }, 'A job names no event of its tenant and is dropped.');
  } else if (outcome === 'dead') {
    metrics.jobDead(delivery.topic);
    log.error({ ...job }, 'An event is given up as dead: its handlers did not succeed in any attempt.');
  } else if (outcome === 'done') {
    metrics.jobDone(delivery.topic, performance.now() - startedAt);
  }
  await reached?.('worker-before-ack');
}

/** `done`: by this delivery; `repeated`: by an earlier one. */
type Outcome = 'done' | 'repeated' | 'dead' | 'unknown';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function readJobKey({ topic, data }: Delivery): JobKey | undefined {
  const { tenantId, outboxId } = (data ?? {}) as Partial<Record<keyof JobKey, unknown>>;
  if (typeof tenantId !== 'number' || !Number.isInteger(tenantId) || Math.abs(tenantId) >= 2 ** 31) return undefined;
  if (typeof outboxId !== 'string' || !uuid.test(outboxId)) return undefined;
  return { topic, tenantId, outboxId };
}

async function handle(
  job: JobKey,
  starts: number,
  handlers: readonly JobHandler[],
  options: WorkerOptions,
): Promise<Outcome> {
  if (starts > 1 && (await countFailedStart(job, options)) === 'dead') return 'dead';
  // A newer process may know it: this one lets it wait.
  if (handlers.length === 0) throw new Error('The topic has no handler.');
  const outcomes = new Set<Outcome>();
  const failures: unknown[] = [];
  for (const handler of handlers) {
    // One handler's failure does not keep the event from the others.
    await handleOnce(job, handler, handlers, options).then(
      (outcome) => outcomes.add(outcome),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length > 0) throw failures[0];
  if (outcomes.has('done')) return 'done';
  return outcomes.has('repeated') ? 'repeated' : 'unknown';
}

async function handleOnce(
  job: JobKey,
  handler: JobHandler,
  handlers: readonly JobHandler[],
  options: WorkerOptions,
): Promise<Outcome> {
  const { log, reached } = options;
  try {
    return await enterOnce(job, handler.consumer, handlers, options, async (trx, event) => {
      await reached?.('worker-before-effect');
      await handler.run(trx, event);
      await reached?.('worker-after-effect');
    });
  } catch (error) {
    if (!(error instanceof SettledError)) throw error;
    log.warn({ ...job, ...errorFields(error) }, 'A job was refused and will not be tried again.');
    return await enterOnce(job, handler.consumer, handlers, options);
  }
}

/** The tenant is the one whose outbox holds the row, never only the one that the job names. */
function enterOnce(
  job: JobKey,
  consumer: string,
  handlers: readonly JobHandler[],
  { tenantDoor }: WorkerOptions,
  run?: JobHandler['run'],
): Promise<Outcome> {
  return tenantDoor(job.tenantId, async (trx) => {
    const [[row], [entered]] = await Promise.all([readRow(trx, job), enterInbox(trx, job, consumer)]);
    if (!row) return 'unknown';
    if (entered) await run?.(trx, toEvent(row));
    markDone(trx, job, handlers);
    return entered ? 'done' : 'repeated';
  });
}

interface OutboxRow {
  readonly id: string;
  readonly event_key: string;
  readonly topic: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly old_version_id: number | null;
  readonly new_version_id: number;
}

function readRow(trx: TenantTransaction, { outboxId, topic }: JobKey): Promise<OutboxRow[]> {
  return trx.query<OutboxRow>({
    name: 'outbox-read',
    text: `SELECT id, event_key, topic, resource_type, resource_id, old_version_id, new_version_id
           FROM outbox WHERE id = $1 AND topic = $2`,
    values: [outboxId, topic],
  });
}

/**
 * Gives a row the first time, and none while the tenant is suspended: its events are published again when it is resumed.
 * Another delivery under way makes it wait until that one has committed or rolled back.
 */
function enterInbox(trx: TenantTransaction, { outboxId, topic }: JobKey, consumer: string): Promise<object[]> {
  return trx.query<object>({
    name: 'inbox-enter',
    text: `INSERT INTO inbox (consumer, outbox_id)
           SELECT $1::text, id FROM outbox
           WHERE id = $2 AND topic = $3 AND status <> 'dead' AND NOT (SELECT tenant.is_halted())
           ON CONFLICT (tenant_id, consumer, outbox_id) DO NOTHING RETURNING outbox_id`,
    values: [consumer, outboxId, topic],
  });
}

/** The event is done with the last of its handlers. */
function markDone(trx: TenantTransaction, { outboxId }: JobKey, handlers: readonly JobHandler[]): void {
  trx.execute({
    name: 'outbox-done',
    text: `UPDATE outbox SET status = 'done', done_at = clock_timestamp()
           WHERE id = $1 AND status IN ('pending', 'published')
             AND (SELECT count(*) FROM inbox WHERE outbox_id = $1 AND consumer = ANY($2::text[])) = cardinality($2::text[])`,
    values: [outboxId, handlers.map((handler) => handler.consumer)],
  });
}

/** Counted at the next start, so that one which took its whole process along counts too. */
async function countFailedStart(
  { tenantId, outboxId, topic }: JobKey,
  options: WorkerOptions,
): Promise<string | undefined> {
  return options.tenantDoor(tenantId, async (trx) => {
    const [row] = await trx.query<{ readonly status: string }>({
      name: 'outbox-count-start',
      text: `UPDATE outbox SET attempts = attempts + 1, status = CASE WHEN attempts + 1 >= $3 THEN 'dead' ELSE status END
             WHERE id = $1 AND topic = $2 AND status IN ('pending', 'published') RETURNING status`,
      values: [outboxId, topic, options.timing.attemptsMax],
    });
    return row?.status;
  });
}

function toEvent(row: OutboxRow): OutboxEvent {
  return {
    id: row.id,
    eventKey: row.event_key,
    topic: row.topic,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    oldVersionId: row.old_version_id ?? undefined,
    newVersionId: row.new_version_id,
  };
}
