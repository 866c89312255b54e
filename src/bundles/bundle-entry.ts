// One entry of a batch or transaction, taken apart and checked: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { isId } from '../fhir/ids.ts';
import { type FhirError, fhirError, type IssueCode } from '../fhir/outcome.ts';
import type { ExactNumbers } from '../repository/change.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ParsedEntry {
  /** Position in the bundle, which answers keep. */
  readonly index: number;
  readonly method: Method;
  readonly type: string;
  /** Empty for POST and for a search. */
  readonly id: string;
  /** Set for `Type/id/_history/n`. */
  readonly versionId: string | undefined;
  readonly query: URLSearchParams;
  readonly fullUrl: string | undefined;
  readonly resource: Resource | undefined;
  readonly ifMatch: string | undefined;
}

const methods: ReadonlySet<string> = new Set<Method>(['GET', 'POST', 'PUT', 'DELETE']);

/** Throws 400 with the entry's place when it asks for nothing this server could do. */
export function parseEntry(bundle: Bundle, index: number, definitions: Definitions, baseUrl: string): ParsedEntry {
  const entry = (bundle.entry?.[index] ?? {}) as UncheckedEntry;
  const place = `Bundle.entry[${index}]`;
  const { method, url, ifMatch, ifNoneExist } = entry.request ?? {};
  if (typeof method !== 'string' || typeof url !== 'string') {
    throw refused(
      'required',
      'An entry of a batch or transaction needs request.method and request.url.',
      `${place}.request`,
    );
  }
  if (!isMethod(method)) {
    throw refused('not-supported', `A bundle takes ${[...methods].join(', ')}.`, `${place}.request.method`);
  }
  // Made without a look whether it is there already, it would be there twice.
  if (ifNoneExist !== undefined) {
    throw refused('not-supported', 'Conditional create is not offered.', `${place}.request.ifNoneExist`);
  }
  const target = parseUrl(url, method, definitions, baseUrl);
  if (!target) {
    const wanted = 'request.url must be relative to this base, such as Patient or Patient/1.';
    throw refused('value', wanted, `${place}.request.url`);
  }
  const fullUrl = textOrNothing(entry.fullUrl, `${place}.fullUrl`);
  const resource = requireResource(entry, method, target.type, place);
  return { index, method, ...target, fullUrl, resource, ifMatch: textOrNothing(ifMatch, `${place}.request.ifMatch`) };
}

/** A Bundle is not validated as a resource, so nothing in an entry is yet of the type it should be. */
interface UncheckedEntry {
  readonly fullUrl?: unknown;
  readonly resource?: { readonly resourceType?: unknown } | null;
  readonly request?: { readonly [name in 'method' | 'url' | 'ifMatch' | 'ifNoneExist']?: unknown } | null;
}

function isMethod(text: string): text is Method {
  return methods.has(text);
}

function textOrNothing(value: unknown, expression: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw refused('structure', 'This must be a text.', expression);
}

function refused(code: IssueCode, diagnostics: string, expression: string): FhirError {
  return fhirError(code, diagnostics, { status: 400, expression });
}

type Target = Pick<ParsedEntry, 'type' | 'id' | 'versionId' | 'query'>;

/** An absolute URL is taken only below this tenant's own base (security.md 13). */
function parseUrl(url: string, method: Method, definitions: Definitions, baseUrl: string): Target | undefined {
  const relative = url.startsWith(`${baseUrl}/`) ? url.slice(baseUrl.length + 1) : url;
  const question = relative.indexOf('?');
  const path = question < 0 ? relative : relative.slice(0, question);
  const [type = '', id = '', history, versionId, ...more] = path.split('/', 6);
  if (!definitions.resourceTypes.has(type) || more.length > 0) return undefined;
  if (id !== '' && !isId(id)) return undefined;
  if (history !== undefined && (history !== '_history' || versionId === undefined)) return undefined;
  const fits = {
    GET: true,
    POST: id === '' && question < 0,
    PUT: id !== '' && question < 0,
    DELETE: id !== '' && question < 0,
  };
  if (!fits[method] || (history !== undefined && method !== 'GET')) return undefined;
  return { type, id, versionId, query: new URLSearchParams(question < 0 ? '' : relative.slice(question + 1)) };
}

function requireResource(entry: UncheckedEntry, method: Method, type: string, place: string): Resource | undefined {
  if (method === 'GET' || method === 'DELETE') return undefined;
  const found = entry.resource?.resourceType;
  if (found === type) return entry.resource as Resource;
  const diagnostics = found === undefined ? 'The entry has no resource.' : `The entry's resource is not a ${type}.`;
  throw refused('invalid', diagnostics, `${place}.resource`);
}

/** The exact number texts of each entry's resource, their paths made relative to it. */
export function exactNumbersByEntry(exactNumbers: ExactNumbers | undefined): ReadonlyMap<number, ExactNumbers> {
  const byEntry = new Map<number, Map<string, string>>();
  for (const [pointer, text] of exactNumbers ?? []) {
    const match = /^\/entry\/(\d+)\/resource(\/.*)$/.exec(pointer);
    if (!match) continue;
    const index = Number(match[1]);
    const numbers = byEntry.get(index) ?? new Map<string, string>();
    numbers.set(match[2] as string, text);
    byEntry.set(index, numbers);
  }
  return byEntry;
}
