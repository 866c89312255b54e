// POST [base]/[type]: https://hl7.org/fhir/R4/http.html#create

import { fhirError } from '../../fhir/outcome.ts';
import type { WriteResult } from '../../repository/change.ts';
import { create } from '../../repository/create.ts';
import type { Session } from '../../repository/session.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { requestResource } from '../request-resource.ts';

export async function createInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  // Made without a look whether it is there already, it would be there twice.
  if (request.header('If-None-Exist') !== undefined) {
    throw fhirError('not-supported', 'Conditional create (If-None-Exist) is not offered.', { status: 400 });
  }
  return created(request, await create(session, requestResource(request), request.body?.exactNumbers));
}

/** 201 with the place of the new version. */
export function created(request: InteractionRequest, result: WriteResult): InteractionResponse {
  const Location = `${request.baseUrl}/${result.type}/${result.id}/_history/${result.versionId}`;
  return { status: 201, headers: { ...versionHeaders(result), Location }, body: result.json };
}
