// GET [base] and POST [base]/_search: https://hl7.org/fhir/R4/http.html#search

import { searchSystem } from '../../repository/search-system.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { handlingOf } from '../prefer.ts';

export async function searchSystemInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  const { query, baseUrl } = request;
  return {
    status: 200,
    headers: {},
    body: await searchSystem(session, { pairs: query, handling: handlingOf(request), baseUrl }),
  };
}
