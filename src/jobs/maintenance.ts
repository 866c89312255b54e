// What has to be done again and again, whoever asks for nothing: partitions ahead of time, rows past their time.

import type { SystemDoor } from '../database/system-transaction.ts';
import { errorFields, type JobLog } from './observe.ts';

export type MaintenanceTask = () => Promise<void>;

const everyMs = 600_000;

/** Runs all tasks at once and then every ten minutes, in every worker: doing one twice changes nothing. */
export function startMaintenance(tasks: readonly MaintenanceTask[], log: JobLog): { close(): void } {
  const run = () => {
    for (const task of tasks) {
      task().catch((error: unknown) => log.warn(errorFields(error), 'Maintenance failed and is tried again.'));
    }
  };
  run();
  const timer = setInterval(run, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

/** Writes find their partition for so many months without any worker (architecture.md, Storage). */
const monthsAhead = 3;

export function keepPartitions(systemDoor: SystemDoor): Promise<void> {
  return systemDoor(async (trx) => {
    trx.execute({ text: 'SELECT system.make_partitions($1)', values: [monthsAhead] });
  });
}

/** Answers to repeated requests are kept for 24 hours (contract.md 8), those of the background as long as they say. */
export function sweepKeptAnswers(systemDoor: SystemDoor): Promise<void> {
  return systemDoor(async (trx) => {
    trx.execute({ text: "DELETE FROM idempotency_key WHERE created_at < now() - interval '24 hours'" });
    trx.execute({ text: 'DELETE FROM async_request WHERE expires_at < now()' });
  });
}
