// One step of a run in one transaction: it begins, goes on by some resources, or ends.

import { addToOutbox } from '../../jobs/outbox.ts';
import { lockIndex } from '../own-parameters/lock-index.ts';
import { setState } from '../own-parameters/parameter-rows.ts';
import type { Session } from '../session.ts';
import { indexChunk } from './index-chunk.ts';
import { haveEnded } from './older-transactions.ts';
import { eventOf } from './request-run.ts';
import { endTokens, retireTokens } from './rotate-keys.ts';
import { lockRun, markDone, markRunning, type RunRow } from './run-rows.ts';

export type Step =
  /** There is more to do at once, or when others have ended. */
  | 'more'
  | 'waiting'
  /** Nothing is left to do for this run, or another one has to end before, which will ring for it. */
  | 'ended'
  | 'blocked';

/** `own` are the virtual ids of the caller's transactions. */
export async function takeStep(session: Session, runId: string, own: readonly string[]): Promise<Step> {
  const run = await lockRun(session.trx, runId);
  if (!run || run.state === 'done') return 'ended';
  if (run.state === 'waiting') return await begin(session, run, own);
  if (!(await indexChunk(session, run))) return 'more';
  await end(session, run);
  return 'ended';
}

async function begin(session: Session, run: RunRow, own: readonly string[]): Promise<Step> {
  const { trx } = session;
  if (run.begins_at && run.is_early) {
    addToOutbox(trx, [{ ...eventOf(run.id, `due-${run.begins_at.getTime()}`), dueAt: run.begins_at }]);
    return 'blocked';
  }
  const running = await trx.query({ name: 'reindex-running', text: "SELECT 1 FROM reindex WHERE state = 'running'" });
  if (running.length > 0) return 'blocked';
  // What older transactions must not do any more is committed first, and then they are waited for.
  if (run.index_key !== null && (await retireTokens(session, run.index_key))) return 'waiting';
  if (!(await haveEnded(trx, run, own))) return 'waiting';
  markRunning(trx, run.id);
  setState(trx, run.id, 'indexing');
  return 'more';
}

/** Under the lock of the index, so that a run that is asked for meanwhile either sees this one ended or is seen here. */
async function end(session: Session, run: RunRow): Promise<void> {
  const { trx } = session;
  await lockIndex(trx);
  if (run.index_key !== null) await endTokens(session, run.index_key, run.started_at);
  setState(trx, run.id, 'ready');
  markDone(trx, run);
  const waiting = await trx.query<{ id: string }>({
    name: 'reindex-waiting',
    text: "SELECT id FROM reindex WHERE state = 'waiting'",
  });
  addToOutbox(
    trx,
    waiting.map(({ id }) => eventOf(id, `after-${run.id}`)),
  );
}
