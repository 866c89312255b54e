// The job that indexes a tenant's resources again, a slice of time after the other, so that others come in between and whatever
// dies goes on where it was.

import { setTimeout as delay } from 'node:timers/promises';
import { serverCaller } from '../../access/caller.ts';
import { FhirError } from '../../fhir/outcome.ts';
import { addToOutbox, type OutboxEvent } from '../../jobs/outbox.ts';
import type { Module } from '../module.ts';
import { inSession, type Session } from '../session.ts';
import { eventOf, reindexTopic } from './request-run.ts';
import { type Step, takeStep } from './take-step.ts';

const sliceMs = 500;
const pauseMs = 50;

/** `onEnd` is told of each run that was done. */
export function createReindexModule(onEnd: () => void): Module {
  const run = async (event: OutboxEvent, session: Session) => {
    const isDone = await takeSlice(event, session);
    if (isDone) onEnd();
  };
  return { name: 'reindex', jobs: [{ topic: reindexTopic, consumer: reindexTopic, run }] };
}

/** True at the end of the run. The job's own transaction only keeps others from the run and rings for the next slice. */
async function takeSlice(event: OutboxEvent, session: Session): Promise<boolean> {
  const { resourceId: runId, id: eventId } = event;
  const own = await claim(session, runId);
  // Whoever has it goes on.
  if (own === undefined) return false;
  const beganAt = performance.now();
  while (performance.now() - beganAt < sliceMs) {
    const step = await tryStep(session, runId, own);
    if (step === 'ended' || step === 'blocked') return step === 'ended';
    if (step === 'waiting') await delay(pauseMs);
  }
  addToOutbox(session.trx, [eventOf(runId, `after-${eventId}`)]);
  return false;
}

/** The virtual id of the job's transaction; undefined when another job has the run. */
async function claim({ trx, cipher }: Session, runId: string): Promise<string | undefined> {
  const [row] = await trx.query<{ is_ours: boolean; own: string }>({
    name: 'claim-reindex',
    text: `SELECT pg_try_advisory_xact_lock($1::bigint) AS is_ours,
             (SELECT virtualtransaction FROM pg_locks WHERE pid = pg_backend_pid() LIMIT 1) AS own`,
    values: [String(cipher.fixedTokenOf(`reindex ${runId}`))],
  });
  return row?.is_ours ? row.own : undefined;
}

async function tryStep({ repository, caller }: Session, runId: string, own: string): Promise<Step> {
  try {
    const server = serverCaller(caller.tenantId, reindexTopic);
    return await inSession(repository, server, (session) => takeStep(session, runId, [own]));
  } catch (error) {
    // A writer has the resources for longer than is waited for.
    if (error instanceof FhirError && error.issues[0]?.code === 'lock-error') return 'waiting';
    throw error;
  }
}
