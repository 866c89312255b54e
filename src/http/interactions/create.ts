// POST [base]/[type], with If-None-Exist only where there is none yet: https://hl7.org/fhir/R4/http.html#create

import type { WriteResult } from '../../repository/change.ts';
import { create } from '../../repository/create.ts';
import type { Session } from '../../repository/session.ts';
import { contentOf, type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { exactNumbersOf, requestResource } from '../request-resource.ts';

export async function createInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const query = request.header('If-None-Exist');
  const result = await create(session, requestResource(request), {
    ...exactNumbersOf(request),
    ...(query === undefined ? {} : { ifNoneExist: { query, baseUrl: request.baseUrl } }),
  });
  return created(request, result);
}

/** 201 with the place of the new version; 200 with that of the one that was there already. */
export function created(request: InteractionRequest, result: WriteResult): InteractionResponse {
  const Location = `${request.baseUrl}/${result.type}/${result.id}/_history/${result.versionId}`;
  return {
    status: result.changed ? 201 : 200,
    headers: { ...versionHeaders(result), Location },
    lastModified: result.lastUpdated,
    ...contentOf(result),
  };
}
