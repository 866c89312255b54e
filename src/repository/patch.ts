// Patch by JSON Patch, JSON merge patch or FHIRPath Patch, of an id or of what meets criteria: https://hl7.org/fhir/R4/http.html#patch

import type { ParsedJson } from '../fhir/json.ts';
import { requireBlindPatch } from './blind-writes.ts';
import type { Criteria, Preconditions, WriteResult } from './change.ts';
import { type PatchKind, toPatch } from './patch/to-patch.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

export interface PatchRequest extends Preconditions {
  readonly type: string;
  readonly kind: PatchKind;
  readonly body: ParsedJson;
}

/** Throws 400 for what is no patch and 422 when it cannot be done; nothing is changed then. */
export async function patch(session: Session, request: PatchRequest & { readonly id: string }): Promise<WriteResult> {
  const { kind, body, ...rest } = request;
  const [result] = await write(session, [{ action: 'patch', ...rest, apply: applyOf(session, request) }]);
  return result as WriteResult;
}

/** Of the one that meets the criteria. */
export async function patchMatch(session: Session, criteria: Criteria, request: PatchRequest): Promise<WriteResult> {
  const { kind, body, ...rest } = request;
  const [result] = await write(session, [{ action: 'patch', criteria, ...rest, apply: applyOf(session, request) }]);
  return result as WriteResult;
}

function applyOf(session: Session, { type, kind, body }: PatchRequest) {
  requireBlindPatch(session, { type, kind, body });
  const { definitions, validate } = session.repository;
  return toPatch(body, kind, { type, definitions, validate });
}
