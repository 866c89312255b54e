// A batch: every entry for itself, and a failing one says so in its own answer: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { ExactNumbers } from '../repository/change.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from './bundle-entry.ts';
import { intentOf } from './entry-intent.ts';
import { errorResponse, writeResponse } from './entry-response.ts';
import { readEntry, type SearchEntry } from './read-entry.ts';

export interface BatchRequest {
  readonly bundle: Bundle;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly baseUrl: string;
  readonly search: SearchEntry;
  /** Told of what a client only learns as "exception". */
  readonly onFailure: (error: unknown) => void;
}

/** Entry answers as JSON texts in the order of the bundle. */
export async function runBatch(repository: Repository, caller: Caller, request: BatchRequest): Promise<string[]> {
  const numbers = exactNumbersByEntry(request.exactNumbers);
  const responses: string[] = [];
  for (const index of (request.bundle.entry ?? []).keys()) {
    try {
      const entry = parseEntry(request.bundle, index, repository.definitions, request.baseUrl);
      const kind = entry.method === 'GET' ? 'read' : 'write';
      const work = (session: Session) => runEntry(session, entry, numbers.get(index), request);
      responses.push(await inSession(repository, caller, work, kind));
    } catch (error) {
      responses.push(errorResponse(knownError(error, request)));
    }
  }
  return responses;
}

async function runEntry(
  session: Session,
  entry: ParsedEntry,
  numbers: ExactNumbers | undefined,
  request: BatchRequest,
): Promise<string> {
  if (entry.method === 'GET') return await readEntry(session, entry, request.search);
  const [result] = await write(session, [intentOf(entry, undefined, numbers)]);
  if (!result) throw new Error('A write has no result.');
  return writeResponse(request.baseUrl, result);
}

function knownError(error: unknown, request: BatchRequest): FhirError {
  if (error instanceof FhirError) return error;
  request.onFailure(error);
  return fhirError('exception', 'The server failed at this entry; its log has the detail.');
}
