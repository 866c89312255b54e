// GET [base]/[type]/[id]/_history/[vid]: https://hl7.org/fhir/R4/http.html#vread

import type { Session } from '../../repository/session.ts';
import { vread } from '../../repository/vread.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';

export async function vreadInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const version = await vread(session, request.type, request.id, request.versionId);
  return { status: 200, headers: versionHeaders(version), body: version.body };
}
