// The URL an entry asks for, taken apart: below this tenant's own base and nowhere else (security.md 13).

import type { Definitions } from '../fhir/definitions.ts';
import { isId } from '../fhir/ids.ts';
import type { Method } from './bundle-entry.ts';

export interface Target {
  /** Below the FHIR base, without a slash at its start. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Empty where the path names none. */
  readonly type: string;
  readonly id: string;
  /** A create, update, patch or delete, of one resource or of those that criteria find. */
  readonly isWrite: boolean;
}

const segmentSyntax = /^(?!\.{1,2}$)[A-Za-z0-9\-.$_*]{1,64}$/;
const segmentsMax = 5;

/** Undefined for what no entry may ask for. */
export function parseTarget(
  url: string,
  method: Method,
  definitions: Definitions,
  baseUrl: string,
): Target | undefined {
  const relative = relativeOf(url, baseUrl);
  const question = relative.indexOf('?');
  const path = question < 0 ? relative : relative.slice(0, question);
  const segments = path === '' ? [] : path.split('/', segmentsMax + 1);
  if (segments.length > segmentsMax || !segments.every((segment) => segmentSyntax.test(segment))) return undefined;
  const query = new URLSearchParams(question < 0 ? '' : relative.slice(question + 1));
  const [first = '', second = '', ...more] = segments;
  if (!definitions.resourceTypes.has(first)) {
    // What belongs to the whole system: a search, its history, an operation.
    const isOffered = isReading(method) ? /^(?:[_$].*)?$/.test(first) : first.startsWith('$');
    return isOffered ? { path, query, type: '', id: '', isWrite: false } : undefined;
  }
  const isOther = /^[_$*]/.test(second);
  if (second !== '' && !isOther && !isId(second)) return undefined;
  const id = isOther ? '' : second;
  const isWrite = !isReading(method) && !isOther && more.length === 0;
  if (isWrite && !fits(method, id, question >= 0)) return undefined;
  if (!isReading(method) && !isWrite && method !== 'POST') return undefined;
  return { path, query, type: first, id, isWrite };
}

/** The base alone and the base with a slash are both the base. */
function relativeOf(url: string, baseUrl: string): string {
  if (url === baseUrl || url.startsWith(`${baseUrl}?`)) return url.slice(baseUrl.length);
  return url.startsWith(`${baseUrl}/`) ? url.slice(baseUrl.length + 1) : url;
}

function isReading(method: Method): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** A POST names a type; the others an id, or criteria instead of it. */
function fits(method: Method, id: string, hasQuery: boolean): boolean {
  if (method === 'POST') return id === '' && !hasQuery;
  return (id !== '') !== hasQuery;
}
