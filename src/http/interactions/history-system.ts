// GET [base]/_history: https://hl7.org/fhir/R4/http.html#history

import { historySystem } from '../../repository/history-system.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { answerHistory } from './history-answer.ts';

export function historySystemInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  return answerHistory(session, request, historySystem);
}
