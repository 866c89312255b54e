// GET [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#read

import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { answerVersion } from '../preconditions.ts';

export async function readInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  return answerVersion(request, await read(session, request.type, request.id));
}
