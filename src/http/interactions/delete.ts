// DELETE [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#delete

import { remove } from '../../repository/delete.ts';
import type { Session } from '../../repository/session.ts';
import { etag, type InteractionRequest, type InteractionResponse } from '../interaction.ts';
import { preconditionsOf } from '../preconditions.ts';

/** 204 whether there was something to delete or not; the ETag names the deletion's own version. */
export async function deleteInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  return deleted(await remove(session, request.type, request.id, preconditionsOf(request)));
}

export function deleted({ versionId }: { readonly versionId: number }): InteractionResponse {
  return { status: 204, headers: versionId > 0 ? { ETag: etag(versionId) } : {}, body: undefined };
}
