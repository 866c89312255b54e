// PATCH [base]/[type]?[search parameters]: https://hl7.org/fhir/R4/http.html#patch

import { patchMatch } from '../../repository/patch.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { criteriaOf } from '../preconditions.ts';
import { patched, patchRequest } from './patch.ts';

export async function conditionalPatchInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  return patched(await patchMatch(session, criteriaOf(request), patchRequest(request)));
}
