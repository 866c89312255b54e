// Does what was accepted for the background, once: its effects, its answer and the job's receipt are one transaction.

import type { Caller } from '../../access/caller.ts';
import { errorResponse } from '../../bundles/entry-response.ts';
import { translateSqlError } from '../../database/sql-errors.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import { type OutboxEvent, SettledError } from '../../jobs/outbox.ts';
import type { ModuleJob } from '../../repository/module.ts';
import { isStaleDefinitions } from '../../repository/own-parameters/stale-definitions.ts';
import { inSession, type Session } from '../../repository/session.ts';
import { presentCaller } from '../../smart/present-caller.ts';
import { rightsDigest } from '../kept-rights.ts';
import { asyncTopic, keptHours } from './accept.ts';
import { type BackgroundRequest, openRequest, sealAnswer, sealRequest } from './background-request.ts';

export interface AnswerBackground {
  /** Gives the text of a Bundle's entry: the response and the resource. */
  run(session: Session, request: BackgroundRequest, progress: Progress): Promise<string>;
  /** Puts on record that it was refused. */
  refused(
    session: Session,
    request: BackgroundRequest,
    progress: Pick<Progress, 'requestId'>,
    error: FhirError,
  ): Promise<void>;
}

export interface Progress {
  readonly requestId: string;
  /** Keeps the job's transaction awake; throws when the request was cancelled meanwhile. */
  beat(): Promise<void>;
}

export function createAsyncJob(answer: AnswerBackground): ModuleJob {
  return {
    topic: asyncTopic,
    consumer: asyncTopic,
    run: (event, session) => runOnce(event, session, answer),
  };
}

async function runOnce(event: OutboxEvent, session: Session, answer: AnswerBackground): Promise<void> {
  const id = event.resourceId;
  const [row] = await session.trx.query<{ request: Buffer }>({
    name: 'open-async',
    text: 'SELECT request FROM async_request WHERE id = $1 AND answer IS NULL AND expires_at > now()',
    values: [id],
  });
  // Cancelled, or done by an earlier delivery.
  if (!row) return;
  const accepted = openRequest(session.cipher, id, row.request);
  const asAccepted = { ...session, caller: accepted.caller };
  const progress = { requestId: id, beat: () => requireWanted(session, id) };
  try {
    const request = { ...accepted, caller: await callerNow(session, accepted.caller) };
    const entry = await answer.run({ ...session, caller: request.caller }, request, progress);
    await keep(session, id, entry);
    if (rightsDigest(request.caller) !== rightsDigest(accepted.caller)) keepCaller(session, id, request);
  } catch (error) {
    const known = asFhirError(error);
    // What is away comes back, and what has changed is known the next time; everything else would fail again.
    if (error instanceof SettledError || known.status === 503 || isStaleDefinitions(error)) throw error;
    await answer.refused(asAccepted, accepted, progress, known);
    await keepRefusal(asAccepted, id, known);
    throw new SettledError('The request was refused.', { cause: known });
  }
}

/** With what is left of the rights it was accepted with. Throws 401 for who may not come in any more: security.md 62. */
async function callerNow({ trx, repository }: Session, accepted: Caller): Promise<Caller> {
  const { tenantDoor, keyRing, definitions } = repository;
  const context = { tenantId: trx.tenantId, tenantDoor, keyRing, resourceTypes: definitions.resourceTypes };
  const caller = await presentCaller(context, trx, accepted);
  if (!caller) throw fhirError('login', 'Whoever asked for this may not come in any more; nothing was done.');
  return caller;
}

async function requireWanted(session: Session, id: string): Promise<void> {
  const rows = await session.trx.query({
    name: 'async-wanted',
    text: 'SELECT id FROM async_request WHERE id = $1',
    values: [id],
  });
  if (rows.length === 0) throw new SettledError('The request was cancelled.');
}

/** A cancelled request has no row to keep the answer in, and all it did is rolled back. */
async function keep(session: Session, id: string, entry: string): Promise<void> {
  const rows = await session.trx.query({
    name: 'keep-async',
    text: `UPDATE async_request SET answer = $2, expires_at = now() + make_interval(hours => $3)
           WHERE id = $1 AND answer IS NULL RETURNING id`,
    values: [id, sealAnswer(session.cipher, id, entry), keptHours],
  });
  if (rows.length === 0) throw new SettledError('The request was cancelled.');
}

/** Whoever asks for the answer must have the rights that it was made with, and needs no others. */
function keepCaller({ trx, cipher }: Session, id: string, request: BackgroundRequest): void {
  trx.execute({
    name: 'keep-async-caller',
    text: 'UPDATE async_request SET request = $2 WHERE id = $1',
    values: [id, sealRequest(cipher, id, request)],
  });
}

/** In a transaction of its own, for the job's is rolled back; its next delivery finds the answer and does nothing. */
async function keepRefusal({ repository, caller }: Session, id: string, error: FhirError): Promise<void> {
  await inSession(repository, caller, (session) => keep(session, id, errorResponse(error)));
}

function asFhirError(error: unknown): FhirError {
  const translated = translateSqlError(error);
  if (translated instanceof FhirError) return translated;
  return fhirError('exception', 'The server failed; its log has the detail.', { cause: error });
}
