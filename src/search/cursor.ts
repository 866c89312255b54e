// Paging cursors: the place of a page, signed, so that no client can make one or use another's: https://hl7.org/fhir/R4/http.html#paging

import { createHmac, timingSafeEqual } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';
import type { PagePlace } from './compile/sort.ts';
import { includeNames } from './parse/includes.ts';
import { type SearchQuery, type SortKey, searchPath } from './search-query.ts';
import { isOrdered } from './sort-key.ts';

export interface CursorBinding {
  readonly key: Buffer;
  readonly tenantId: number;
  /** Whoever may use the cursor: a client id, with the person behind it where there is one. */
  readonly caller: string;
  readonly query: SearchQuery;
  /** The tenant's: names and the like are encrypted where they are sorted by, for URLs end up in logs. */
  readonly cipher: CursorCipher;
}

export interface CursorCipher {
  seal(plain: Buffer, context: string): Buffer;
  open(box: Buffer, context: string): Buffer;
}

const signatureLength = 32;
const cursorLengthMax = 2000;
const sealContext = 'search-cursor';
/** Of a place. */
const [backward, sliced] = [1, 2];

/** For the links of a page. */
export function sealCursor({ isBackward, isSliced, position }: PagePlace, binding: CursorBinding): string {
  const flags = (isBackward ? backward : 0) + (isSliced ? sliced : 0);
  const place = [flags, ...(position ? [position.id, ...position.keys] : [])];
  const plain = Buffer.from(JSON.stringify(place));
  const payload = holdsText(binding.query) ? binding.cipher.seal(plain, sealContext) : plain;
  return Buffer.concat([sign(payload, binding), payload]).toString('base64url');
}

/** Throws a FhirError (400) unless this tenant and caller got the cursor for this query. */
export function openCursor(cursor: string, binding: CursorBinding): PagePlace {
  const bytes = cursor.length <= cursorLengthMax ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const payload = bytes.subarray(signatureLength);
  if (payload.length === 0 || !timingSafeEqual(bytes.subarray(0, signatureLength), sign(payload, binding))) {
    throw fhirError('invalid', 'The cursor is not one of this search; start again without it.');
  }
  const plain = holdsText(binding.query) ? binding.cipher.open(payload, sealContext) : payload;
  const [flags, id, ...keys] = JSON.parse(plain.toString()) as [number, string?, ...(string | number | null)[]];
  return {
    isBackward: (flags & backward) > 0,
    ...((flags & sliced) > 0 && { isSliced: true }),
    ...(id !== undefined && { position: { id, keys } }),
  };
}

/** True where the position is made of what resources say, rather than of times and ids. */
function holdsText({ sort }: SearchQuery): boolean {
  return !sort.every(isOrdered);
}

function sign(payload: Buffer, { key, tenantId, caller, query }: CursorBinding): Buffer {
  const asked = query.understood.filter(choosesOrOrders);
  const bound = JSON.stringify([tenantId, caller, searchPath(query), query.sort.map(orderOf), ...asked]);
  return createHmac('sha256', key).update(bound).update('\n').update(payload).digest();
}

/** A tenant's own parameter of the same name may be another one by now, in whose order the place means nothing. */
function orderOf({ by }: SortKey): string {
  return typeof by === 'string' ? by : by.key;
}

/** What shapes a page only may change on the way. */
const shaping: ReadonlySet<string> = new Set([
  ...['_count', ...includeNames, '_total', '_summary', '_elements', '_format', '_pretty'],
]);

function choosesOrOrders([name]: readonly [name: string, value: string]): boolean {
  return !shaping.has(name);
}
