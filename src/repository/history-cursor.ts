// Cursors of history pages: signed and sealed, for a place may be that of a version out of the caller's sight, and bound to tenant, caller and question, so that no client can make one or use another's: https://hl7.org/fhir/R4/http.html#paging

import { createHmac, timingSafeEqual } from 'node:crypto';
import { ownerOf } from '../access/caller.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { HistoryCursor, HistoryRequest } from './history-source.ts';
import type { Session } from './session.ts';

const signatureLength = 32;
const sealContext = 'history-cursor';
const cursorLengthMax = 1_000;

export function sealHistoryCursor(session: Session, request: HistoryRequest, cursor: HistoryCursor): string {
  const { lastUpdatedMs, type, id, versionId } = cursor.position;
  const parts = [lastUpdatedMs, type, id, versionId, cursor.completeToMs ?? null, cursor.total ?? null];
  const payload = session.cipher.seal(Buffer.from(JSON.stringify(parts)), sealContext);
  return Buffer.concat([sign(session, request, payload), payload]).toString('base64url');
}

/** Throws 400 unless this tenant and caller got the cursor for this history. */
export function openHistoryCursor(session: Session, request: HistoryRequest, cursor: string): HistoryCursor {
  const bytes = cursor.length <= cursorLengthMax ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const payload = bytes.subarray(signatureLength);
  const isOurs =
    payload.length > 0 && timingSafeEqual(bytes.subarray(0, signatureLength), sign(session, request, payload));
  if (!isOurs) throw fhirError('invalid', 'The cursor is not one of this history; start again without it.');
  const [lastUpdatedMs, type, id, versionId, completeToMs, total] = JSON.parse(
    session.cipher.open(payload, sealContext).toString(),
  ) as SealedParts;
  return {
    position: { lastUpdatedMs, type, id, versionId },
    completeToMs: completeToMs ?? undefined,
    total: total ?? undefined,
  };
}

type SealedParts = [number, string, string, number, number | null, number | null];

/** The page size is no part of the question: it may change on the way. */
function sign({ repository, caller }: Session, { type, id, sinceMs, at }: HistoryRequest, payload: Buffer): Buffer {
  const question = [type, id, sinceMs ?? null, at?.low ?? null, at?.high ?? null];
  const bound = JSON.stringify(['history', caller.tenantId, ownerOf(caller), ...question]);
  return createHmac('sha256', repository.cursorKey).update(bound).update('\n').update(payload).digest();
}
