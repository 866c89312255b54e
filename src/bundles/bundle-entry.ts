// One entry of a batch or transaction, taken apart and checked: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { type FhirError, fhirError, type IssueCode } from '../fhir/outcome.ts';
import type { ExactNumbers } from '../repository/change.ts';
import { parseTarget, type Target } from './entry-target.ts';
import { requireKnownMembers } from './known-members.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The preconditions of an entry, as texts. */
export interface Preconditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifNoneExist: string | undefined;
}

export interface ParsedEntry extends Target, Preconditions {
  /** Position in the bundle, which answers keep. */
  readonly index: number;
  readonly method: Method;
  readonly fullUrl: string | undefined;
  readonly resource: Resource | undefined;
}

const methods: ReadonlySet<string> = new Set<Method>(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const textLengthMax = 8_000;

/** Throws 400 with the entry's place when it asks for nothing this server could do. */
export function parseEntry(bundle: Bundle, index: number, definitions: Definitions, baseUrl: string): ParsedEntry {
  const entry = (bundle.entry?.[index] ?? {}) as UncheckedEntry;
  const place = `Bundle.entry[${index}]`;
  requireKnownMembers(definitions, 'Bundle.entry', entry, place);
  const request = entry.request ?? {};
  requireKnownMembers(definitions, 'Bundle.entry.request', request, `${place}.request`);
  const { method, url } = request;
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
  const target = url.length > textLengthMax ? undefined : parseTarget(url, method, definitions, baseUrl);
  if (!target) throw refused(...reasonOf(method, url), `${place}.request.url`);
  const text = (name: keyof Preconditions) => textOrNothing(request[name], `${place}.request.${name}`);
  const parsed = {
    index,
    method,
    ...target,
    fullUrl: textOrNothing(entry.fullUrl, `${place}.fullUrl`),
    resource: requireResource(entry, method, target, place),
    ifMatch: text('ifMatch'),
    ifNoneMatch: text('ifNoneMatch'),
    ifModifiedSince: text('ifModifiedSince'),
    ifNoneExist: text('ifNoneExist'),
  };
  if (parsed.ifNoneExist !== undefined && !(method === 'POST' && target.isWrite)) {
    throw refused('invalid', 'request.ifNoneExist belongs to a create.', `${place}.request.ifNoneExist`);
  }
  return parsed;
}

/** A Bundle is not validated as a resource, so nothing in an entry is yet of the type it should be. */
interface UncheckedEntry {
  readonly fullUrl?: unknown;
  readonly resource?: { readonly resourceType?: unknown } | null;
  readonly request?: { readonly [name in 'method' | 'url' | keyof Preconditions]?: unknown } | null;
}

function isMethod(text: string): text is Method {
  return methods.has(text);
}

function textOrNothing(value: unknown, expression: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length <= textLengthMax)) return value;
  throw refused('structure', `This must be a text of at most ${textLengthMax} characters.`, expression);
}

function refused(code: IssueCode, diagnostics: string, expression: string): FhirError {
  return fhirError(code, diagnostics, { status: 400, expression });
}

/** Why no entry may ask for this. */
function reasonOf(method: Method, url: string): [IssueCode, string] {
  // It is told to everybody, and a bundle is somebody's.
  if (/^(?:.*\/)?metadata(?:\?|$)/.test(url.slice(0, 500))) {
    return ['not-supported', 'The capability statement is not given in a bundle; GET [base]/metadata by itself.'];
  }
  const example =
    { POST: 'Patient', GET: 'Patient/1', HEAD: 'Patient/1' }[method as string] ?? 'Patient/1 or Patient?identifier=x';
  return ['value', `request.url of a ${method} must be relative to this base, such as ${example}.`];
}

/** What is patched is not what is sent: https://hl7.org/fhir/R4/http.html#patch */
const patchTypes: ReadonlySet<unknown> = new Set(['Parameters', 'Binary']);

function requireResource(entry: UncheckedEntry, method: Method, target: Target, place: string): Resource | undefined {
  if (method === 'GET' || method === 'HEAD' || method === 'DELETE') return undefined;
  const found = entry.resource?.resourceType;
  if (isSearch(target) && entry.resource !== undefined) {
    // A form has no place in a Bundle; parameters that are left unread would widen the answer.
    const reason = 'A search in a bundle has its parameters in request.url, and no resource.';
    throw refused('not-supported', reason, `${place}.resource`);
  }
  if (!target.isWrite) return typeof found === 'string' ? (entry.resource as Resource) : undefined;
  if (found === undefined) throw refused('invalid', 'The entry has no resource.', `${place}.resource`);
  if (method === 'PATCH' ? patchTypes.has(found) : found === target.type) return entry.resource as Resource;
  const wanted = method === 'PATCH' ? 'a Parameters or a Binary with the patch' : `a ${target.type}`;
  throw refused('invalid', `The entry's resource is not ${wanted}.`, `${place}.resource`);
}

function isSearch({ path }: Target): boolean {
  return /(?:^|\/)_search$/.test(path);
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
