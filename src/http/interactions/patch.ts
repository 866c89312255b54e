// PATCH [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#patch

import { patch } from '../../repository/patch.ts';
import type { Session } from '../../repository/session.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { ifMatchVersionId } from '../preconditions.ts';

export async function patchInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const { type, id, body } = request;
  const { value: operations, exactNumbers } = body ?? {};
  const result = await patch(session, { type, id, operations, exactNumbers, ...ifMatchVersionId(request) });
  return { status: 200, headers: versionHeaders(result), body: result.json };
}
