// A transaction: all entries or none, in the order DELETE, POST, PUT, GET: https://hl7.org/fhir/R4/http.html#trules

import type { Bundle } from '@medplum/fhirtypes';
import { AccessNotes } from '../access/access-notes.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { ExactNumbers, WriteResult } from '../repository/change.ts';
import { resolveReferences } from '../repository/resolve-references.ts';
import type { Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import { AnswerSize } from './answer-size.ts';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from './bundle-entry.ts';
import { intentOf } from './entry-intent.ts';
import { type AnswerRequest, requestOf } from './entry-request.ts';
import { answerResponse, type ResponseOptions, writeResponse } from './entry-response.ts';
import { requireKnownMembers } from './known-members.ts';
import {
  conditionalReferences,
  linkingPatched,
  linkingWhole,
  replaceReferences,
  requireDistinctUrls,
  resolveLinks,
  targetsOf,
} from './resolve-links.ts';
import type { Undo } from './rewrite-links.ts';

export interface TransactionRequest extends ResponseOptions {
  readonly bundle: Bundle;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly answer: AnswerRequest;
}

/** Runs the transaction in a session, and may do so again in another one after that was rolled back. */
export type RunTransaction = (session: Session) => Promise<AnsweredTransaction>;

export interface AnsweredTransaction {
  readonly responses: readonly string[];
  /** Entries that changed nothing, so that no AuditEvent of a change tells of them. */
  readonly unchanged: readonly AnsweredEntry[];
}

export interface AnsweredEntry {
  readonly entry: ParsedEntry;
  readonly notes: AccessNotes;
}

/** Gives entry answers as JSON texts in the order of the bundle. Throws what the first failing entry throws, with its place. */
export function prepareTransaction(request: TransactionRequest): RunTransaction {
  const undos: Undo[] = [];
  return (session) => {
    // The ids that an earlier attempt wrote into the bundle were rolled back with it.
    for (const undo of undos.splice(0).reverse()) undo();
    return runTransaction(session, request, undos);
  };
}

async function runTransaction(
  session: Session,
  request: TransactionRequest,
  undos: Undo[],
): Promise<AnsweredTransaction> {
  const { definitions } = session.repository;
  requireKnownMembers(definitions, 'Bundle', request.bundle, 'Bundle');
  const entries = (request.bundle.entry ?? []).map((_, index) =>
    parseEntry(request.bundle, index, definitions, request.baseUrl),
  );
  requireDistinctUrls(entries);
  const numbers = exactNumbersByEntry(request.exactNumbers);
  const responses: string[] = new Array(entries.length);
  const unchanged: AnsweredEntry[] = [];
  const size = new AnswerSize();
  for (const { entry, result } of await writeEntries(
    session,
    { ...request, undos, numbers },
    inProcessingOrder(entries),
  )) {
    size.requireRoom(`Bundle.entry[${entry.index}]`);
    responses[entry.index] = size.add(writeResponse(result, request));
    if (!result.changed) unchanged.push({ entry, notes: notesOf(result) });
  }
  for (const entry of entries) {
    if (entry.isWrite) continue;
    const asked = requestOf(entry, numbers.get(entry.index));
    size.requireRoom(`Bundle.entry[${entry.index}]`);
    const notes = new AccessNotes();
    const answer = await named(entry.index, () => request.answer({ ...session, notes }, asked));
    responses[entry.index] = size.add(answerResponse(answer));
    if (!notes.isTold) unchanged.push({ entry, notes });
  }
  return { responses, unchanged };
}

/** What was found instead of being made is shown. */
function notesOf(result: WriteResult): AccessNotes {
  const notes = new AccessNotes();
  if (result.json !== undefined && !result.isHidden) notes.show({ ...result, body: result.json });
  return notes;
}

function inProcessingOrder(entries: readonly ParsedEntry[]): ParsedEntry[] {
  const of = (...methods: string[]) => entries.filter(({ isWrite, method }) => isWrite && methods.includes(method));
  return [...of('DELETE'), ...of('POST'), ...of('PUT', 'PATCH')];
}

interface WrittenEntry {
  readonly entry: ParsedEntry;
  readonly result: WriteResult;
}

interface WriteOptions {
  readonly baseUrl: string;
  /** Takes back what was written into the bundle. */
  readonly undos: Undo[];
  readonly numbers: ReadonlyMap<number, ExactNumbers>;
}

/**
 * Links are resolved as soon as it is known which resources the entries are about, conditional references as soon as it is
 * known what these will be: "5. Resolve any conditional references".
 */
async function writeEntries(
  session: Session,
  { baseUrl, undos, numbers }: WriteOptions,
  entries: readonly ParsedEntry[],
): Promise<WrittenEntry[]> {
  const { definitions } = session.repository;
  const context = { ...session.repository, baseUrl, session };
  try {
    const intents = entries.map((entry) => placed(entry, () => intentOf(entry, numbers.get(entry.index), context)));
    const whole = linkingWhole(entries);
    let targets: ReadonlyMap<string, string> = new Map();
    const results = await write(session, intents, {
      identified(identities) {
        const byEntry = new Map(entries.map((entry, position) => [entry, identities[position]]));
        targets = targetsOf(entries, (entry) => byEntry.get(entry));
        resolveLinks(whole, definitions, targets, undos);
      },
      async planned(changes) {
        // What a patch brings is seen only in what it makes of the resource.
        const patched = linkingPatched(entries, changes);
        resolveLinks(patched, definitions, targets, undos);
        const linking = [...whole, ...patched];
        const { references, placeOf } = conditionalReferences(linking, definitions);
        if (references.length === 0) return;
        const found = await resolveReferences(session, references, { baseUrl, placeOf, changes });
        replaceReferences(linking, definitions, found, undos);
      },
    });
    return entries.map((entry, position) => ({ entry, result: results[position] as WriteResult }));
  } catch (error) {
    throw error instanceof FhirError ? withEntryPlaces(error, entries) : error;
  }
}

/** Issues speak of `Type.element`; in a bundle they must say which entry's. */
function withEntryPlaces(error: FhirError, entries: readonly ParsedEntry[]): FhirError {
  const entry = error.writeIndex === undefined ? undefined : entries[error.writeIndex];
  return entry ? error.below(`Bundle.entry[${entry.index}].resource`) : error;
}

/** What is wrong with an entry itself may say its place already. */
function placed<T>({ index }: ParsedEntry, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    const isPlaced = error.issues.every((issue) => issue.expression?.[0]?.startsWith(`Bundle.entry[${index}]`));
    throw isPlaced ? error : error.below(`Bundle.entry[${index}].resource`);
  }
}

async function named<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FhirError ? error.below(`Bundle.entry[${index}]`) : error;
  }
}
