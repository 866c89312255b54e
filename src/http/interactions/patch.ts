// PATCH [base]/[type]/[id]: https://hl7.org/fhir/R4/http.html#patch

import type { WriteResult } from '../../repository/change.ts';
import type { PatchKind } from '../../repository/patch/to-patch.ts';
import { type PatchRequest, patch } from '../../repository/patch.ts';
import type { Session } from '../../repository/session.ts';
import { contentOf, type InteractionRequest, type InteractionResponse, versionHeaders } from '../interaction.ts';
import { parseMediaType } from '../media-type.ts';
import { preconditionsOf } from '../preconditions.ts';

/** A body of any other type is a resource: a FHIRPath Patch. */
const kinds: ReadonlyMap<string, PatchKind> = new Map([
  ['application/json-patch+json', 'json-patch'],
  ['application/merge-patch+json', 'merge-patch'],
]);

export async function patchInteraction(session: Session, request: InteractionRequest): Promise<InteractionResponse> {
  return patched(await patch(session, { id: request.id, ...patchRequest(request) }));
}

export function patchRequest(request: InteractionRequest): PatchRequest {
  const { type, body = { value: undefined } } = request;
  const kind = kinds.get(parseMediaType(request.header('Content-Type') ?? '').name) ?? 'fhirpath-patch';
  return { type, kind, body, ...preconditionsOf(request) };
}

export function patched(result: WriteResult): InteractionResponse {
  return {
    status: 200,
    headers: versionHeaders(result),
    lastModified: result.lastUpdated,
    ...contentOf(result),
  };
}
