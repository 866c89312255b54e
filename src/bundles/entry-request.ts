// What an entry asks for that is no write of the bundle itself: a read, a search, a history, an operation.

import type { Resource } from '@medplum/fhirtypes';
import type { ExactNumbers } from '../repository/change.ts';
import type { Session } from '../repository/session.ts';
import type { Method, ParsedEntry } from './bundle-entry.ts';

export interface EntryRequest {
  readonly method: Method;
  /** Below the FHIR base, without a slash at its start. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By their names in HTTP. */
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Resource | undefined;
  readonly exactNumbers: ExactNumbers | undefined;
}

export interface EntryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly lastModified?: Date;
  /** JSON text of a resource. */
  readonly body: string | undefined;
}

/** Answers a request in the session as it would be answered alone; throws FhirErrors. */
export type AnswerRequest = (session: Session, request: EntryRequest) => Promise<EntryAnswer>;

export function requestOf(entry: ParsedEntry, exactNumbers: ExactNumbers | undefined): EntryRequest {
  const { method, path, query, resource } = entry;
  return { method, path, query, headers: headersOf(entry), resource, exactNumbers };
}

function headersOf(entry: ParsedEntry): Record<string, string> {
  const headers: Record<string, string> = {};
  if (entry.ifMatch !== undefined) headers['If-Match'] = entry.ifMatch;
  if (entry.ifNoneMatch !== undefined) headers['If-None-Match'] = entry.ifNoneMatch;
  // An instant here, a date of HTTP there: https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request.ifModifiedSince
  if (entry.ifModifiedSince !== undefined) headers['If-Modified-Since'] = httpDateOf(entry.ifModifiedSince);
  return headers;
}

/** What is no time stays as it is, for the reader of the header to refuse or ignore. */
function httpDateOf(instant: string): string {
  const time = Date.parse(instant);
  return Number.isNaN(time) ? instant : new Date(time).toUTCString();
}
