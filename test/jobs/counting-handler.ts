// A handler whose effects can be counted, also in a process of its own, where there is no Jest.

import type { TenantTransaction } from '../../src/database/tenant-transaction.ts';
import type { JobHandler, OutboxEvent } from '../../src/jobs/outbox.ts';
import type { JobTiming } from '../../src/jobs/timing.ts';

export const topic = 'appointment.fulfilled';

/** Everything is soon, so that what is lost is found within a test's time. */
export const quickTiming: JobTiming = {
  attemptsMax: 4,
  backoffMs: 5,
  lockMs: 600,
  republishAfterMs: 400,
  pollMs: 100,
};

/** Its effect is a number that every run in a committed transaction makes one greater; then comes `then`. */
export function countingHandler(
  consumer = 'count',
  then?: (trx: TenantTransaction, event: OutboxEvent) => Promise<void>,
): JobHandler {
  return {
    topic,
    consumer,
    async run(trx, event) {
      trx.execute({
        text: `INSERT INTO setting (key, value) VALUES ($1, '1') ON CONFLICT (tenant_id, key)
               DO UPDATE SET value = to_jsonb(setting.value::text::integer + 1)`,
        values: [effectKey(consumer, event.resourceId)],
      });
      await then?.(trx, event);
    },
  };
}

export function effectKey(consumer: string, resourceId: string): string {
  return `effect-${consumer}-${resourceId}`;
}
