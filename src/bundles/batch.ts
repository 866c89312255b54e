// A batch: every entry for itself, and a failing one says so in its own answer: https://hl7.org/fhir/R4/http.html#transaction

import type { Bundle } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { ExactNumbers } from '../repository/change.ts';
import type { Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import { AnswerSize } from './answer-size.ts';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from './bundle-entry.ts';
import { intentOf } from './entry-intent.ts';
import { type AnswerRequest, requestOf } from './entry-request.ts';
import { answerResponse, errorResponse, type ResponseOptions, writeResponse } from './entry-response.ts';
import { requireKnownMembers } from './known-members.ts';

/** Gives the answer of an entry, a refusal included; what it throws ends the batch. */
export type RunEntry = (
  index: number,
  work: (session: Session) => Promise<string>,
  kind: 'read' | 'write',
) => Promise<string>;

export interface BatchRequest extends ResponseOptions {
  readonly bundle: Bundle;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly answer: AnswerRequest;
  readonly run: RunEntry;
  /** Told of what a client only learns as "exception". */
  readonly onFailure: (error: unknown) => void;
}

/** Entry answers as JSON texts in the order of the bundle. */
export async function runBatch(definitions: Definitions, request: BatchRequest): Promise<string[]> {
  requireKnownMembers(definitions, 'Bundle', request.bundle, 'Bundle');
  const numbers = exactNumbersByEntry(request.exactNumbers);
  const responses: string[] = [];
  const size = new AnswerSize();
  for (const index of (request.bundle.entry ?? []).keys()) {
    const entry = tryParse(definitions, request, index, size);
    if (typeof entry === 'string') responses.push(entry);
    else {
      const work = (session: Session) => runEntry(session, entry, numbers.get(index), request);
      const reads = entry.method === 'GET' || entry.method === 'HEAD';
      responses.push(size.add(await request.run(index, work, reads ? 'read' : 'write')));
    }
  }
  return responses;
}

/** The entry, or the answer that refuses it. */
function tryParse(
  definitions: Definitions,
  request: BatchRequest,
  index: number,
  size: AnswerSize,
): ParsedEntry | string {
  try {
    size.requireRoom();
    return parseEntry(request.bundle, index, definitions, request.baseUrl);
  } catch (error) {
    return entryError(error, request.onFailure);
  }
}

async function runEntry(
  session: Session,
  entry: ParsedEntry,
  numbers: ExactNumbers | undefined,
  request: BatchRequest,
): Promise<string> {
  if (!entry.isWrite) return answerResponse(await request.answer(session, requestOf(entry, numbers)));
  const context = { ...session.repository, baseUrl: request.baseUrl };
  const [result] = await write(session, [intentOf(entry, numbers, context)]);
  if (!result) throw new Error('A write has no result.');
  return writeResponse(result, request);
}

/** The answer of an entry that failed. */
export function entryError(error: unknown, onFailure: (error: unknown) => void): string {
  if (error instanceof FhirError) return errorResponse(error);
  onFailure(error);
  return errorResponse(fhirError('exception', 'The server failed at this entry; its log has the detail.'));
}
