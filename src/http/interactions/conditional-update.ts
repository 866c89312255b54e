// PUT [base]/[type]?[search parameters]: https://hl7.org/fhir/R4/http.html#cond-update

import type { Session } from '../../repository/session.ts';
import { updateMatch } from '../../repository/update.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { criteriaOf, preconditionsOf } from '../preconditions.ts';
import { exactNumbersOf, requestResource } from '../request-resource.ts';
import { updated } from './update.ts';

export async function conditionalUpdateInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  const options = { ...preconditionsOf(request), ...exactNumbersOf(request) };
  return updated(request, await updateMatch(session, criteriaOf(request), requestResource(request), options));
}
