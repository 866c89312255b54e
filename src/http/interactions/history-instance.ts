// GET [base]/[type]/[id]/_history: https://hl7.org/fhir/R4/http.html#history

import { historyInstance } from '../../repository/history-instance.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { answerHistory } from './history-answer.ts';

export function historyInstanceInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return answerHistory(session, request, historyInstance);
}
