// What is known of a request that has to be put on record, and the facts made of it: https://hl7.org/fhir/R4/auditevent.html

import { type AccessCode, type AccessFacts, type LoginFacts, patientsMax } from '../access/access-facts.ts';
import { AccessNotes } from '../access/access-notes.ts';
import type { Caller } from '../access/caller.ts';
import { callerFacts } from '../access/caller-facts.ts';
import { newId } from '../fhir/ids.ts';
import type { FhirError } from '../fhir/outcome.ts';
import { patientsAsked } from './patients-asked.ts';
import type { FhirRoute } from './route.ts';

/** What was asked for, by a client or by an entry of its bundle. */
export interface Asked {
  readonly method: string;
  /** Below the FHIR base, without a slash at its start. */
  readonly path: string;
  /** Behind the question mark. */
  readonly query: string;
}

export interface RequestOrigin extends Asked {
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly now: () => Date;
}

/** How an interaction ended. */
export interface Ending {
  readonly interaction: AccessCode | undefined;
  readonly status: number;
  readonly issue?: string | undefined;
  readonly notes?: AccessNotes;
  /** The text of the answer, where it may name patients that nothing else tells of. */
  readonly text?: string | undefined;
  /** Position in the bundle. */
  readonly entry?: number;
}

const [methodLengthMax, pathLengthMax, queryLengthMax] = [20, 1_000, 4_000];

export class RequestAccess {
  origin: RequestOrigin;
  /** Unknown until the tenant is. */
  tenantId: number | undefined;
  caller: Caller | undefined;
  interaction: AccessCode | undefined;
  /** Of the last attempt of the interaction. */
  notes = new AccessNotes();
  /** What an operation shows is in its answer alone. */
  shownText: string | undefined;
  /** Who asked the authorization server, where that has to be looked up: not for each of a flood. */
  findCaller: (() => Promise<Caller | undefined>) | undefined;
  login: LoginFacts | undefined;
  /** Why it was refused, where that was answered and not thrown. */
  refusal: string | undefined;
  /** Of a page for people: what they do there is told by people/account-acts.ts, and here only what was refused. */
  isOfPerson = false;
  /** Of a bundle's entries: they are put on record together. */
  entries: AccessFacts[] = [];
  /** What had to be put on record is, or could not be. */
  isRecorded = false;

  constructor(origin: RequestOrigin) {
    this.origin = origin;
  }

  /** The form of a POST search, as it was sent. */
  addForm(bytes: Buffer | undefined): void {
    const form = bytes?.toString('utf8', 0, queryLengthMax) ?? '';
    const { query } = this.origin;
    this.origin = { ...this.origin, query: query === '' || form === '' ? query + form : `${query}&${form}` };
  }

  /** For the next attempt. */
  begin(): AccessNotes {
    this.notes = new AccessNotes();
    return this.notes;
  }

  /** Of the request itself. */
  facts(ending: Ending): AccessFacts {
    const facts = this.#factsOf(this.origin, ending);
    return this.login ? { ...facts, login: this.login } : facts;
  }

  /** Of an entry of its bundle. */
  entryFacts(asked: Asked, ending: Ending): AccessFacts {
    return this.#factsOf(asked, ending);
  }

  #factsOf(asked: Asked, { interaction, status, issue, notes, text, entry }: Ending): AccessFacts {
    const { address, requestId, now } = this.origin;
    const recordedMs = now().getTime();
    const query = asked.query.slice(0, queryLengthMax);
    const answered = notes && notes.answeredCount > 0 ? notes.answered : undefined;
    return {
      id: newId(recordedMs),
      recordedMs,
      interaction: interaction && doneBy(interaction, status),
      method: asked.method.slice(0, methodLengthMax),
      path: asked.path.slice(0, pathLengthMax),
      query,
      caller: this.caller && callerFacts(this.caller),
      address,
      requestId,
      entry,
      outcome: outcomeOf(status, issue),
      status,
      issue,
      answered,
      answeredCount: notes && answered && notes.answeredCount > answered.length ? notes.answeredCount : undefined,
      patients: patientsNamed({ ...asked, query }, text, notes),
    };
  }
}

/** Who has changed nothing, for it was there already, has read it: a change that was made has an AuditEvent of its own. */
function doneBy(interaction: AccessCode, status: number): AccessCode {
  const wouldWrite = interaction === 'create' || interaction === 'update' || interaction === 'patch';
  return wouldWrite && status < 400 ? 'read' : interaction;
}

/** https://hl7.org/fhir/R4/valueset-audit-event-outcome.html: success, minor and serious failure. A browser may be sent on with one. */
function outcomeOf(status: number, issue: string | undefined): AccessFacts['outcome'] {
  if (status < 400) return issue === undefined ? '0' : '4';
  return status < 500 ? '4' : '8';
}

/** What an answer of this status needs beside what its own transaction tells: a change has its own event, and so has each entry. */
export function unrecordedFacts(access: RequestAccess, status: number): readonly AccessFacts[] {
  const { entries, notes, interaction, shownText: text } = access;
  const isChange = notes.recorded > 0 && interaction !== 'operation';
  if (isChange || notes.isTold || entries.length > 0) return entries;
  return [access.facts({ interaction, status, notes, text, issue: access.refusal })];
}

/** As the route table has no code of its own for the search of a compartment. */
export function accessCodeOf({ code, path }: FhirRoute): AccessCode {
  return path.includes('/:memberType') ? 'search-compartment' : code;
}

export function issueOf({ issues: [first] }: FhirError): string | undefined {
  return first?.code;
}

/** `Patient/id` in the references and URLs of an answer. */
const inAnswer = /"(?:[^"]*\/)?Patient\/([A-Za-z0-9\-.]{1,64})["/]/g;

/** Undefined for none. */
function patientsNamed(
  { path, query }: Asked,
  text: string | undefined,
  notes: AccessNotes | undefined,
): readonly string[] | undefined {
  const found = new Set<string>();
  const add = (patient: string) => {
    if (found.size < patientsMax && !/\/\.+$/.test(patient)) found.add(patient);
  };
  for (const patient of patientsAsked(path, query)) add(patient);
  if (text?.includes('Patient/')) for (const [, id = ''] of text.matchAll(inAnswer)) add(`Patient/${id}`);
  for (const patient of notes?.patients ?? []) found.add(patient);
  return found.size > 0 ? [...found] : undefined;
}
