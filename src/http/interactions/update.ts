// PUT [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#update

import type { Session } from '../../repository/session.ts';
import { update } from '../../repository/update.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { ifMatchVersionId } from '../preconditions.ts';
import { exactNumbersOf, requestResource } from '../request-resource.ts';
import { created } from './create.ts';

export async function updateInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const options = { ...ifMatchVersionId(request), ...exactNumbersOf(request) };
  const result = await update(session, request.id, requestResource(request), options);
  if (result.action === 'create') return created(request, result);
  return { status: 200, headers: versionHeaders(result), body: result.json };
}
