// One entry of a batch or transaction, taken apart and checked: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { isId } from '../fhir/ids.ts';
import { fhirError } from '../fhir/outcome.ts';
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
  const entry = bundle.entry?.[index] as BundleEntry;
  const place = `Bundle.entry[${index}]`;
  const { method, url, ifMatch } = entry?.request ?? {};
  if (method === undefined || url === undefined) {
    throw fhirError('required', 'An entry of a batch or transaction needs request.method and request.url.', {
      status: 400,
      expression: `${place}.request`,
    });
  }
  if (!methods.has(method)) {
    throw fhirError('not-supported', `${method} is not supported in a bundle.`, {
      status: 400,
      expression: `${place}.request.method`,
    });
  }
  const target = parseUrl(url, method as Method, definitions, baseUrl);
  if (!target) {
    throw fhirError('value', 'request.url must be relative to this base, such as Patient or Patient/1.', {
      status: 400,
      expression: `${place}.request.url`,
    });
  }
  requireResource(entry, method as Method, target.type, place);
  return { index, method: method as Method, ...target, fullUrl: entry.fullUrl, resource: entry.resource, ifMatch };
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

function requireResource(entry: BundleEntry, method: Method, type: string, place: string): void {
  if (method === 'GET' || method === 'DELETE') return;
  const found: unknown = entry.resource?.resourceType;
  if (found === type) return;
  throw fhirError(
    'invalid',
    found === undefined ? 'The entry has no resource.' : `The entry's resource is not a ${type}.`,
    {
      expression: `${place}.resource`,
    },
  );
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
