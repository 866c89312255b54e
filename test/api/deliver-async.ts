// Does a request of the background as the worker would, when a test wants it, in a transaction of its own.

import { createAccessTrail } from '../../src/audit/trail/access-trail.ts';
import { createAnswerBackground } from '../../src/http/async/answer.ts';
import { type AnswerBackground, createAsyncJob } from '../../src/http/async/job.ts';
import { findFhirRoute } from '../../src/http/fhir-routes.ts';
import type { OutboxEvent } from '../../src/jobs/outbox.ts';
import { bindJobs } from '../../src/repository/jobs.ts';
import { allOperations } from '../support/all-operations.ts';
import type { TestServer } from '../support/server.ts';

/** Of the first tenant. `statusPath` is the one below the FHIR base. */
export async function deliverAsync(
  server: TestServer,
  statusPath: string,
  change: (usual: AnswerBackground) => AnswerBackground = (usual) => usual,
): Promise<void> {
  const { repository, doors } = server.app;
  const find = findFhirRoute(repository.definitions, allOperations);
  const trail = createAccessTrail({ repository, pool: doors.trailPool, onError: () => undefined });
  const answer = createAnswerBackground({ repository, trail, onFailure: () => undefined }, find);
  const [handler] = bindJobs(repository, [{ name: 'async', jobs: [createAsyncJob(change(answer))] }]);
  const event = { resourceId: statusPath.slice('/_async/'.length) } as OutboxEvent;
  await repository.tenantDoor(server.a.id, async (trx) => handler?.run(trx, event));
}
