// DELETE [base]/[type]?[search parameters], of one or several: https://hl7.org/fhir/R4/http.html#3.1.0.7.1

import { toOperationOutcome } from '../../fhir/outcome.ts';
import { removeMatches } from '../../repository/delete.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { criteriaOf, preconditionsOf } from '../preconditions.ts';
import { deleted } from './delete.ts';

/** 204 for none and one, as by id; 200 with an OperationOutcome that says how many for several. */
export async function conditionalDeleteInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  const result = await removeMatches(session, request.type, criteriaOf(request), preconditionsOf(request));
  if (result.deletedCount === undefined) return deleted(result);
  const diagnostics = `${result.deletedCount} ${request.type} were deleted.`;
  const outcome = toOperationOutcome([{ severity: 'information', code: 'informational', diagnostics }]);
  return { status: 200, headers: {}, body: JSON.stringify(outcome) };
}
