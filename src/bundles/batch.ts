// A batch: every entry for itself, and a failing one says so in its own answer: https://hl7.org/fhir/R4/http.html#transaction

import { setImmediate as turnEnds } from 'node:timers/promises';
import type { Bundle } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import type { ExactNumbers } from '../repository/change.ts';
import type { Session } from '../repository/session.ts';
import { write } from '../repository/write.ts';
import { AnswerSize } from './answer-size.ts';
import { exactNumbersByEntry, type ParsedEntry, parseEntry } from './bundle-entry.ts';
import { intentOf } from './entry-intent.ts';
import { type AnswerRequest, requestOf } from './entry-request.ts';
import { answerResponse, type ResponseOptions, writeResponse } from './entry-response.ts';
import { requireKnownMembers } from './known-members.ts';

export interface RunEntry {
  /** Gives the answer of an entry, a refusal included; what it throws ends the batch. */
  run(entry: ParsedEntry, work: (session: Session) => Promise<string>, kind: 'read' | 'write'): Promise<string>;
  /** Gives the answer of an entry that cannot be done at all. */
  refuse(entry: UnreadEntry, error: unknown): string;
}

/** What an entry says, as far as it says anything. */
export interface UnreadEntry {
  readonly index: number;
  readonly method: string;
  readonly url: string;
}

export interface BatchRequest extends ResponseOptions {
  readonly bundle: Bundle;
  readonly exactNumbers: ExactNumbers | undefined;
  readonly answer: AnswerRequest;
  readonly entries: RunEntry;
}

/** Entries that are refused without a wait, some milliseconds' work, before others are answered. */
const refusedATurn = 100;

/** Entry answers as JSON texts in the order of the bundle. */
export async function runBatch(definitions: Definitions, request: BatchRequest): Promise<string[]> {
  requireKnownMembers(definitions, 'Bundle', request.bundle, 'Bundle');
  const numbers = exactNumbersByEntry(request.exactNumbers);
  const responses: string[] = [];
  const size = new AnswerSize();
  for (const index of (request.bundle.entry ?? []).keys()) {
    const entry = tryParse(definitions, request, index, size);
    if (typeof entry === 'string') {
      responses.push(entry);
      if (responses.length % refusedATurn === 0) await turnEnds();
    } else {
      const work = (session: Session) => runEntry(session, entry, numbers.get(index), request);
      const reads = entry.method === 'GET' || entry.method === 'HEAD';
      responses.push(size.add(await request.entries.run(entry, work, reads ? 'read' : 'write')));
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
    const { method, url } = request.bundle.entry?.[index]?.request ?? {};
    return request.entries.refuse({ index, method: textOf(method), url: textOf(url) }, error);
  }
}

/** Nothing of the entry was looked at yet. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

async function runEntry(
  session: Session,
  entry: ParsedEntry,
  numbers: ExactNumbers | undefined,
  request: BatchRequest,
): Promise<string> {
  if (!entry.isWrite) return answerResponse(await request.answer(session, requestOf(entry, numbers)));
  const context = { ...session.repository, baseUrl: request.baseUrl, session };
  const [result] = await write(session, [intentOf(entry, numbers, context)]);
  if (!result) throw new Error('A write has no result.');
  return writeResponse(result, request);
}
