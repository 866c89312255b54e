// Read of a resource that may be one of the server's own definitions: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam.definition

import { builtInInstead } from '../../repository/built-in.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { readInteraction } from './read.ts';

/** What is built in has no versions, and so no ETag. */
export async function definitionReadInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  try {
    return await readInteraction(session, request);
  } catch (error) {
    return { status: 200, headers: {}, body: builtInInstead(error, session, request.type, request.id) };
  }
}
