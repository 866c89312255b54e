// The state of a request in the background: 202 while it runs, its answer afterwards; DELETE cancels: https://hl7.org/fhir/R5/async-bundle.html

import { ownerOf } from '../../access/caller.ts';
import { notFound } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { includesRights } from '../kept-rights.ts';
import { mayBeShown } from '../shown-again.ts';
import { openAnswer, openRequest } from './background-request.ts';

const retryAfterSeconds = 1;
const uuidSyntax = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Row {
  readonly answer: Buffer | null;
  /** Null until there is an answer. */
  readonly request: Buffer | null;
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** 404 for another client's, a cancelled and an expired one, and for an answer that the caller may not see any more. */
export async function asyncStatusInteraction(
  session: Session,
  { id }: InteractionRequest,
): Promise<InteractionResponse> {
  const rows = await session.trx.query<Row>({
    name: 'async-status',
    text: `SELECT answer, created_at, expires_at, CASE WHEN answer IS NOT NULL THEN request END AS request
           FROM async_request
           WHERE id = $1 AND client_id = $2 AND expires_at > now()`,
    values: [requireUuid(id), ownerOf(session.caller)],
  });
  const [row] = rows;
  if (!row) throw notFound('_async', id);
  if (!row.answer || !row.request) {
    const progress = `accepted ${row.created_at.toISOString()}, not finished yet`;
    return {
      status: 202,
      headers: { 'X-Progress': progress, 'Retry-After': String(retryAfterSeconds) },
      body: undefined,
    };
  }
  const entry = openAnswer(session.cipher, id, row.answer);
  const hasRights = includesRights(session.caller, openRequest(session.cipher, id, row.request).caller);
  if (!(await mayBeShown(session, { text: entry, hasRights }))) throw notFound('_async', id);
  return {
    status: 200,
    headers: { Expires: row.expires_at.toUTCString() },
    body: `{"resourceType":"Bundle","type":"batch-response","entry":[${entry}]}`,
  };
}

/** What is not begun will not be; what runs is rolled back, but for entries of a batch that are already done. */
export async function asyncCancelInteraction(
  session: Session,
  { id }: InteractionRequest,
): Promise<InteractionResponse> {
  const rows = await session.trx.query({
    name: 'async-cancel',
    text: 'DELETE FROM async_request WHERE id = $1 AND client_id = $2 AND expires_at > now() RETURNING id',
    values: [requireUuid(id), ownerOf(session.caller)],
  });
  if (rows.length === 0) throw notFound('_async', id);
  return { status: 202, headers: {}, body: undefined };
}

function requireUuid(id: string): string {
  if (!uuidSyntax.test(id)) throw notFound('_async', id);
  return id;
}
