// PUT [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#update

import type { WriteResult } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { update } from '../../repository/update.ts';
import { contentOf, type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { preconditionsOf } from '../preconditions.ts';
import { exactNumbersOf, requestResource } from '../request-resource.ts';
import { created } from './create.ts';

export async function updateInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const options = { ...preconditionsOf(request), ...exactNumbersOf(request) };
  return updated(request, await update(session, request.id, requestResource(request), options));
}

/** An update of what was not there is a create: https://hl7.org/fhir/R4/http.html#upsert */
export function updated(request: InteractionRequest, result: WriteResult): InteractionResponse {
  if (result.action === 'create') return created(request, result);
  return {
    status: 200,
    headers: versionHeaders(result),
    lastModified: result.lastUpdated,
    ...contentOf(result),
  };
}
