// Read of a resource that may be one of the server's own definitions: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam.definition

import { FhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { InteractionRequest, InteractionResponse } from '../interaction.ts';
import { readInteraction } from './read.ts';

/**
 * What is not stored may be built in. The right to read was asked for before anything was looked up. A definition has no
 * versions, and so no ETag.
 */
export async function definitionReadInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  try {
    return await readInteraction(session, request);
  } catch (error) {
    const isUnknown = error instanceof FhirError && error.status === 404;
    const body = isUnknown ? session.repository.builtIns?.find(request.type, request.id) : undefined;
    if (body === undefined) throw error;
    return { status: 200, headers: {}, body };
  }
}
