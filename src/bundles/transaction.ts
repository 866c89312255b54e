// A transaction: all entries or none, in the order DELETE, POST, PUT, GET: https://hl7.org/fhir/R4/http.html#trules

import type { Bundle } from '@medplum/fhirtypes';
import { FhirError } from '../fhir/outcome.ts';
import type { ExactNumbers, WriteIntent } from '../repository/change.ts';
import { ofWrite } from '../repository/plan-changes.ts';
import type { Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from './bundle-entry.ts';
import { intentOf } from './entry-intent.ts';
import { writeResponse } from './entry-response.ts';
import { readEntry, type SearchEntry } from './read-entry.ts';
import { resolveLinks } from './resolve-links.ts';

export interface TransactionRequest {
  readonly bundle: Bundle;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly baseUrl: string;
  readonly search: SearchEntry;
}

/** Entry answers as JSON texts in the order of the bundle. Throws what the first failing entry throws, with its place. */
export async function runTransaction(session: Session, request: TransactionRequest): Promise<string[]> {
  const { definitions } = session.repository;
  const entries = (request.bundle.entry ?? []).map((_, index) =>
    parseEntry(request.bundle, index, definitions, request.baseUrl),
  );
  const ids = resolveLinks(entries, definitions, session.at.getTime());
  const numbers = exactNumbersByEntry(request.exactNumbers);
  const responses: string[] = new Array(entries.length);
  const writes = inProcessingOrder(entries);
  const results = await writeEntries(session, writes, (entry) =>
    intentOf(entry, ids.get(entry.index), numbers.get(entry.index)),
  );
  for (const [position, result] of results.entries()) {
    responses[(writes[position] as ParsedEntry).index] = writeResponse(request.baseUrl, result);
  }
  for (const entry of entries) {
    if (entry.method !== 'GET') continue;
    responses[entry.index] = await named(entry.index, () => readEntry(session, entry, request.search));
  }
  return responses;
}

function inProcessingOrder(entries: readonly ParsedEntry[]): ParsedEntry[] {
  return (['DELETE', 'POST', 'PUT'] as const).flatMap((method) => entries.filter((entry) => entry.method === method));
}

/** Issues speak of `Type.element`; in a bundle they must say which entry's. */
async function writeEntries(
  session: Session,
  entries: readonly ParsedEntry[],
  toIntent: (entry: ParsedEntry) => WriteIntent,
) {
  try {
    const intents = entries.map((entry, position) => ofWrite(position, () => toIntent(entry)));
    return await write(session, intents);
  } catch (error) {
    throw error instanceof FhirError ? withEntryPlaces(error, entries) : error;
  }
}

function withEntryPlaces(error: FhirError, entries: readonly ParsedEntry[]): FhirError {
  const entry = error.writeIndex === undefined ? undefined : entries[error.writeIndex];
  return entry ? error.below(`Bundle.entry[${entry.index}].resource`) : error;
}

async function named<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FhirError ? error.below(`Bundle.entry[${index}]`) : error;
  }
}
