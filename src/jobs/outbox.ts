// The transactional outbox: what is to happen after a commit is a row of that commit: https://microservices.io/patterns/data/transactional-outbox.html

import { v7 as uuidv7 } from 'uuid';
import type { TenantTransaction } from '../database/tenant-transaction.ts';

/** Says that a resource went from one version to the next; it carries ids only, whoever handles it reads the rest. */
export interface NewOutboxEvent {
  /** What happened, once for ever within the tenant, such as `appointment.fulfilled-<id>`: saying it again adds nothing. */
  readonly eventKey: string;
  /** Which handlers it is for. */
  readonly topic: string;
  readonly resourceType: string;
  readonly resourceId: string;
  /** Absent when the event has no earlier version, as with a create. */
  readonly oldVersionId?: number | undefined;
  readonly newVersionId: number;
  /** Handled not before; absent = at once. Who handles it looks whether it still holds. */
  readonly dueAt?: Date | undefined;
}

export interface OutboxEvent extends Omit<NewOutboxEvent, 'dueAt'> {
  readonly id: string;
}

/** Handles the events of one topic; several handlers of a topic each get every event, in a transaction of their own. */
export interface JobHandler {
  readonly topic: string;
  /** Names the handler in the inbox, for ever: under another name all earlier events would be new to it. */
  readonly consumer: string;
  /** Runs at least once for every event, and its effects in `trx` are committed exactly once; any others may happen again. */
  run(trx: TenantTransaction, event: OutboxEvent): Promise<void>;
}

/** Thrown by a handler that has told whom it concerns why: what it did is undone, the event is done, and nothing is tried again. */
export class SettledError extends Error {
  override readonly name = 'SettledError';
}

const insertEvents = `
  INSERT INTO outbox (id, event_key, topic, resource_type, resource_id, old_version_id, new_version_id, due_at, status)
  SELECT *, CASE WHEN due_at IS NULL THEN 'pending' ELSE 'waiting' END
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::timestamptz[])
    AS event (id, event_key, topic, resource_type, resource_id, old_version_id, new_version_id, due_at)
  ON CONFLICT (tenant_id, event_key) DO NOTHING`;

/** Adds the events to the transaction in one statement; they are handled if and only if it commits. */
export function addToOutbox(trx: TenantTransaction, events: readonly NewOutboxEvent[]): void {
  if (events.length === 0) return;
  trx.execute({
    name: 'outbox-add',
    text: insertEvents,
    values: [
      events.map(() => uuidv7()),
      events.map((event) => event.eventKey),
      events.map((event) => event.topic),
      events.map((event) => event.resourceType),
      events.map((event) => event.resourceId),
      events.map((event) => event.oldVersionId ?? null),
      events.map((event) => event.newVersionId),
      events.map((event) => event.dueAt?.toISOString() ?? null),
    ],
  });
}
