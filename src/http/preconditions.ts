// Preconditions and criteria of requests: https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#cond-update

import { fhirError } from '../fhir/outcome.ts';
import type { Criteria, Preconditions } from '../repository/change.ts';
import type { ReadVersion } from '../repository/read.ts';
import { isNotModified, parseVersionTest, type VersionTest } from '../repository/version-test.ts';
import { type InteractionRequest, type InteractionResponse, versionHeaders } from './interaction.ts';

/** The versions that If-Match names, one of which must be current. */
export function ifMatchVersionId(request: InteractionRequest): { ifMatchVersionId?: VersionTest } {
  const test = versionTest(request, 'If-Match');
  return test === undefined ? {} : { ifMatchVersionId: test };
}

/** If-Match, and If-None-Match: nothing may be there, or not these versions. */
export function preconditionsOf(request: InteractionRequest): Preconditions {
  const test = versionTest(request, 'If-None-Match');
  return { ...ifMatchVersionId(request), ...(test === undefined ? {} : { ifNoneMatchVersionId: test }) };
}

function versionTest(request: InteractionRequest, name: string): VersionTest | undefined {
  const header = request.header(name);
  if (header === undefined) return undefined;
  const test = parseVersionTest(header);
  if (test !== undefined) return test;
  throw fhirError('value', `${name} holds "*" or versions, such as W/"3".`, { status: 400 });
}

/** These ask for a form of the answer: https://hl7.org/fhir/R4/http.html#parameters */
const generalParameters: readonly string[] = ['_format', '_pretty', '_summary', '_elements'];

/** What the URL says instead of an id. */
export function criteriaOf({ query, baseUrl }: InteractionRequest): Criteria {
  const criteria = new URLSearchParams(query);
  for (const name of generalParameters) criteria.delete(name);
  return { query: criteria.toString(), baseUrl };
}

/** 304 without a body for a reader who has this version: https://hl7.org/fhir/R4/http.html#cread */
export function answerVersion(request: InteractionRequest, version: ReadVersion): InteractionResponse {
  const headers = versionHeaders(version);
  const conditions = {
    ifNoneMatch: request.header('If-None-Match'),
    ifModifiedSince: request.header('If-Modified-Since'),
  };
  // What is computed may be another one though the version is the same.
  const isKnown = !version.isComputed && isNotModified(conditions, version);
  return {
    status: isKnown ? 304 : 200,
    headers,
    lastModified: version.lastUpdated,
    body: isKnown ? undefined : version.body,
  };
}
