// Prefer: respond-async: the request is kept and answered with 202, and a worker does it: https://hl7.org/fhir/R5/async-bundle.html

import { ownerOf } from '../../access/caller.ts';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { addToOutbox } from '../../jobs/outbox.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import type { FhirRoute } from '../route.ts';
import { sealRequest, toBackground } from './background-request.ts';

/** The event of a request that waits, and its job. */
export const asyncTopic = 'async-request';

/** Requests of one client that wait or run. */
export const openMax = 50;
/** Kept from its acceptance, and from its answer on, for a day. */
export const keptHours = 24;

/** Where the state of a request is asked for, below the FHIR base. */
export const statusPath = '/_async/:id';

/** Searches, histories and operations may take long; the rest is answered at once: RFC 7240 section 4.1 leaves it to the server. */
export function mayRespondAsync({ code, kind }: FhirRoute): boolean {
  return kind === 'read' || code === 'operation';
}

/** Rejects with 429 when the client has too many requests under way. `path` is below the FHIR base. */
export async function acceptAsync(
  session: Session,
  path: string,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  await requireRoom(session);
  const id = newId(session.at.getTime());
  const box = sealRequest(session.cipher, id, toBackground(session.caller, path, request));
  session.trx.execute({
    name: 'accept-async',
    text: `INSERT INTO async_request (id, client_id, request, expires_at)
           VALUES ($1, $2, $3, now() + make_interval(hours => $4))`,
    values: [id, ownerOf(session.caller), box, keptHours],
  });
  const event = { topic: asyncTopic, resourceType: 'async-request', resourceId: id, newVersionId: 1 };
  addToOutbox(session.trx, [{ ...event, eventKey: `${asyncTopic}-${id}` }]);
  const headers = {
    'Content-Location': request.baseUrl + statusPath.replace(':id', id),
    'Preference-Applied': 'respond-async',
  };
  return { status: 202, headers, body: undefined };
}

async function requireRoom(session: Session): Promise<void> {
  const [row] = await session.trx.query<{ open: number }>({
    name: 'count-async',
    text: 'SELECT count(*)::int AS open FROM async_request WHERE client_id = $1 AND answer IS NULL AND expires_at > now()',
    values: [ownerOf(session.caller)],
  });
  if ((row?.open ?? 0) < openMax) return;
  throw fhirError('throttled', `At most ${openMax} requests of a client run in the background; wait for one to end.`, {
    retryAfterSeconds: 5,
  });
}
