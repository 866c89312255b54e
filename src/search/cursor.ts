// Paging cursors: where a page ended, signed, so that no client can make one or use another's: https://hl7.org/fhir/R4/http.html#paging

import { createHmac, timingSafeEqual } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';
import type { SortPosition } from './compile/sort.ts';
import { type SearchQuery, searchPath } from './search-query.ts';

export interface CursorBinding {
  readonly key: Buffer;
  readonly tenantId: number;
  /** Whoever may use the cursor: a client id, with the person behind it where there is one. */
  readonly caller: string;
  readonly query: SearchQuery;
}

const signatureLength = 32;
const cursorLengthMax = 1000;

/** For the `next` link: the page after this position. */
export function sealCursor({ id, moments }: SortPosition, binding: CursorBinding): string {
  const payload = Buffer.from(JSON.stringify([id, ...moments]));
  return Buffer.concat([sign(payload, binding), payload]).toString('base64url');
}

/** Throws a FhirError (400) unless this tenant and caller got the cursor for this query. */
export function openCursor(cursor: string, binding: CursorBinding): SortPosition {
  const bytes = cursor.length <= cursorLengthMax ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const payload = bytes.subarray(signatureLength);
  if (payload.length === 0 || !timingSafeEqual(bytes.subarray(0, signatureLength), sign(payload, binding))) {
    throw fhirError('invalid', 'The cursor is not one of this search; start again without it.');
  }
  const [id = '', ...moments] = JSON.parse(payload.toString()) as string[];
  return { id, moments };
}

function sign(payload: Buffer, { key, tenantId, caller, query }: CursorBinding): Buffer {
  const bound = JSON.stringify([tenantId, caller, searchPath(query), ...query.understood.filter(choosesOrOrders)]);
  return createHmac('sha256', key).update(bound).update('\n').update(payload).digest();
}

/** What shapes a page only may change on the way. */
const shaping: ReadonlySet<string> = new Set(['_count', '_include', '_total', '_summary', '_elements']);

function choosesOrOrders([name]: readonly [name: string, value: string]): boolean {
  return !shaping.has(name);
}
