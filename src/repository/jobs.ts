// Gives the modules' jobs what every other writer has: a session in the transaction of their receipt.

import { serverCaller } from '../access/caller.ts';
import type { JobHandler } from '../jobs/outbox.ts';
import type { Module } from './module.ts';
import { type Repository, sessionParts } from './session.ts';

export function bindJobs(repository: Repository, modules: readonly Module[]): JobHandler[] {
  return modules
    .flatMap((module) => module.jobs ?? [])
    .map((job) => ({
      topic: job.topic,
      consumer: job.consumer,
      async run(trx, event) {
        const parts = await sessionParts(repository, trx.tenantId);
        const caller = serverCaller(trx.tenantId, job.consumer);
        await job.run(event, { repository, trx, caller, ...parts, at: repository.now() });
      },
    }));
}
