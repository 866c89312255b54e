// Notes the entries of a bundle for the record, each as what it is: https://hl7.org/fhir/R4/http.html#transaction

import type { AccessCode, AccessFacts } from '../access/access-facts.ts';
import type { AccessNotes } from '../access/access-notes.ts';
import type { FhirError } from '../fhir/outcome.ts';
import type { FindRoute } from './dispatch.ts';
import { accessCodeOf, issueOf, type RequestAccess } from './request-access.ts';

export interface NotedEntry {
  readonly index: number;
  readonly method: string;
  /** Below the FHIR base. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface RecordEntry {
  /** `text` is that of the entry's answer. */
  answered(entry: NotedEntry, notes: AccessNotes, text: string): void;
  refused(entry: NotedEntry, error: FhirError): void;
}

/** Gathers them with the request that carries the bundle. */
export function recordEntries(find: FindRoute, access: RequestAccess): RecordEntry {
  return {
    answered(entry, notes, text) {
      access.notes.recorded += notes.recorded;
      const facts = answeredFacts(find, access, { entry, notes, text });
      if (facts) access.entries.push(facts);
    },
    refused(entry, error) {
      const ending = { interaction: codeOf(find, entry), status: error.status, issue: issueOf(error) };
      access.entries.push(access.entryFacts(askedBy(entry), { ...ending, entry: entry.index }));
    },
  };
}

export interface AnsweredEntryText {
  readonly entry: NotedEntry;
  readonly notes: AccessNotes;
  readonly text: string;
}

/** Undefined for what has an AuditEvent of its own already. */
export function answeredFacts(
  find: FindRoute,
  access: RequestAccess,
  { entry, notes, text }: AnsweredEntryText,
): AccessFacts | undefined {
  const interaction = codeOf(find, entry);
  const isOperation = interaction === 'operation';
  if (notes.isTold || (notes.recorded > 0 && !isOperation)) return undefined;
  return access.entryFacts(askedBy(entry), {
    interaction,
    status: statusOf(text),
    notes,
    entry: entry.index,
    text: isOperation ? text : undefined,
  });
}

function askedBy({ method, path, query }: NotedEntry) {
  return { method, path, query: query.toString() };
}

/** Undefined for what no route answers. */
function codeOf(find: FindRoute, { method, path }: NotedEntry): AccessCode | undefined {
  try {
    return accessCodeOf(find(method, path).route);
  } catch {
    return undefined;
  }
}

/** Every answer begins with its response, or with where the resource is and then that. */
function statusOf(text: string): number {
  return Number(/"response":\{"status":"(\d{3})/.exec(text.slice(0, 4_000))?.[1] ?? 200);
}
