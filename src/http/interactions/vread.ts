// GET [base]/[type]/[id]/_history/[vid]: https://hl7.org/fhir/R4/http.html#vread

import type { Session } from '../../repository/session.ts';
import { vread } from '../../repository/vread.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { answerVersion } from '../preconditions.ts';

export async function vreadInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const { type, id, versionId } = request;
  return answerVersion(request, await vread(session, type, id, versionId));
}
