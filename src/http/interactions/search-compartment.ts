// GET [base]/[compartment]/[id]/[type] or /*, and POST with /_search below: https://hl7.org/fhir/R4/http.html#vsearch

import { fhirError } from '../../fhir/outcome.ts';
import { searchCompartment } from '../../repository/search-compartment.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { handlingOf } from '../prefer.ts';

export async function searchCompartmentInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return { status: 200, headers: {}, body: await compartmentBundle(session, request) };
}

/** The searchset Bundle as UTF-8 JSON; also for the entries of a batch or transaction. */
async function compartmentBundle(session: Session, request: InteractionRequest): Promise<Buffer> {
  const { type, id, params, query, baseUrl } = request;
  const { memberType = '' } = params;
  // The path leads here also for what is no type at all, such as an operation or a part of FHIR this server does not have.
  if (memberType !== '*' && !session.repository.definitions.resourceTypes.has(memberType)) {
    throw fhirError('not-found', 'There is nothing at this URL.');
  }
  return await searchCompartment(session, {
    compartment: { type, id },
    memberType,
    pairs: query,
    handling: handlingOf(request),
    baseUrl,
  });
}
