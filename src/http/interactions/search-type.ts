// GET [base]/[type] and POST [base]/[type]/_search: https://hl7.org/fhir/R4/http.html#search

import { searchType } from '../../repository/search-type.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { handlingOf } from '../prefer.ts';

export async function searchTypeInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return { status: 200, headers: {}, body: await searchBundle(session, request) };
}

/** The searchset Bundle as UTF-8 JSON; also for the entries of a batch or transaction. */
export function searchBundle(session: Session, request: InteractionRequest): Promise<Buffer> {
  const { type, query, baseUrl } = request;
  return searchType(session, { type, pairs: query, handling: handlingOf(request), baseUrl });
}
