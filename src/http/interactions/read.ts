// GET [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#read

import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';

export async function readInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  const version = await read(session, request.type, request.id);
  return { status: 200, headers: versionHeaders(version), body: version.body };
}
