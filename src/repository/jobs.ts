// Gives the modules' jobs what every other writer has: a session in the transaction of their receipt.

import { serverCaller } from '../access/caller.ts';
import type { JobHandler } from '../jobs/outbox.ts';
import type { Module } from './module.ts';
import type { Repository } from './session.ts';

export function bindJobs(repository: Repository, modules: readonly Module[]): JobHandler[] {
  return modules
    .flatMap((module) => module.jobs ?? [])
    .map((job) => ({
      topic: job.topic,
      consumer: job.consumer,
      async run(trx, event) {
        const cipher = await repository.keyRing.cipherOf(trx.tenantId);
        const caller = serverCaller(trx.tenantId, job.consumer);
        const checksReferences = await repository.checksReferences(trx.tenantId);
        await job.run(event, { repository, trx, caller, cipher, checksReferences, at: repository.now() });
      },
    }));
}
