// What the histories of an instance, of a type and of the system share as interactions: https://hl7.org/fhir/R4/http.html#history

import type { HistoryPage } from '../../repository/history.ts';
import type { HistoryRequest } from '../../repository/history-source.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { handlingOf } from '../prefer.ts';
import { historyText } from './history-bundle.ts';
import { parseHistoryParameters } from './history-parameters.ts';

export type ReadHistory = (session: Session, request: HistoryRequest) => Promise<HistoryPage>;

export async function answerHistory(
  session: Session,
  request: InteractionRequest,
  read: ReadHistory,
): Promise<InteractionResponse> {
  const { baseUrl, type, id } = request;
  const { understood, ...parameters } = parseHistoryParameters(request.query, handlingOf(request));
  const page = await read(session, { type, id, ...parameters });
  const path = [baseUrl, type, id, '_history'].filter((part) => part !== '').join('/');
  const text = historyText(page, { baseUrl, path, understood, cursor: parameters.cursor });
  return { status: 200, headers: {}, body: text };
}
