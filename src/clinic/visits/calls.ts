// Calling a patient in: a call adds a time to those in the Encounter, and two people cannot make the same call (domain.md SM-1b).

import type { Encounter } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { appointmentsOf } from './encounter-facts.ts';
import { isWaiting } from './encounter-status.ts';
import { callsOf } from './queue-elements.ts';

export interface Calls {
  /** All, in their order: what was called stays called, also where a client sends less. */
  readonly calls: readonly string[];
  readonly added: readonly string[];
}

export function mergeCalls(stored: readonly string[], sent: readonly string[]): Calls {
  const added = sent.filter((call) => !stored.includes(call));
  return { calls: [...stored, ...added], added };
}

/** Of the caller, for the row of the visit. */
export function callerId({ caller }: Session): string {
  return caller.accountId ?? caller.clientId;
}

interface Call {
  readonly change: Change;
  readonly old: Encounter;
  readonly stored: readonly string[];
  readonly sent: readonly string[];
  readonly added: readonly string[];
}

/** Before the times are put together, which tell then no longer what the caller knew of. */
export async function checkCalls(changes: readonly Change[], session: Session): Promise<void> {
  const calls = changes.flatMap(callOf);
  if (calls.length === 0) return;
  for (const call of calls) checkCall(call, session.at);
  const last = await lastCalls(
    session,
    calls.map(({ change }) => change.id),
  );
  for (const call of calls) requireNoOther(call, last.get(call.change.id), session);
}

/** A new Encounter may bring its calls with it, and so may one of no Appointment. */
function callOf(change: Change): Call[] {
  const old = change.oldResource as Encounter | undefined;
  if (!old || change.byServer || appointmentsOf(old).length === 0) return [];
  const stored = callsOf(old);
  const sent = callsOf(change.resource as Encounter);
  const { added } = mergeCalls(stored, sent);
  return added.length === 0 ? [] : [{ change, old, stored, sent, added }];
}

/** Clocks are that much ahead at most: security.md 121. */
const toleranceMs = 60_000;

function checkCall({ change, old, stored, added }: Call, at: Date): void {
  const [call = ''] = added;
  if (added.length > 1) throw refusal(change, 'business-rule', 'A patient is called once at a time.');
  if (!isWaiting(old.status) && old.status !== 'planned') {
    throw refusal(change, 'conflict', `The patient cannot be called: the Encounter is ${old.status}.`);
  }
  // What is no time is for the validator to refuse.
  if (Date.parse(call) > at.getTime() + toleranceMs) {
    throw refusal(change, 'business-rule', 'A call cannot be in the future.');
  }
  if (stored.some((one) => Date.parse(one) >= Date.parse(call))) {
    throw refusal(change, 'conflict', 'The patient has been called since; a recall is later than that.');
  }
}

interface LastCall {
  readonly encounterId: string;
  readonly calledBy: string;
  readonly calledAt: Date;
}

async function lastCalls({ trx }: Session, encounterIds: readonly string[]): Promise<Map<string, LastCall>> {
  const rows = await trx.query<LastCall>({
    name: 'last-calls',
    text: `SELECT encounter_id AS "encounterId", called_by AS "calledBy", called_at AS "calledAt" FROM visit
           WHERE encounter_id = ANY ($1::text[]) AND called_by IS NOT NULL`,
    values: [encounterIds],
  });
  return new Map(rows.map((row) => [row.encounterId, row]));
}

/** So soon nobody recalls whom another has called: both meant the same call. */
const sameCallMs = 10_000;

/** Who called may call again; another has to know of the call, which sending it along shows. */
function requireNoOther({ change, stored, sent }: Call, last: LastCall | undefined, session: Session): void {
  if (!last || last.calledBy === callerId(session)) return;
  const isKnown = stored.every((call) => sent.includes(call));
  if (isKnown && session.at.getTime() - last.calledAt.getTime() >= sameCallMs) return;
  const diagnostics = isKnown
    ? 'Somebody else has just called this patient; read the Encounter again.'
    : 'Somebody else has called this patient; to call again, add your call to the earlier ones.';
  throw refusal(change, 'conflict', diagnostics);
}

function refusal({ index }: Change, code: 'conflict' | 'business-rule', diagnostics: string): FhirError {
  return fhirError(code, diagnostics, { expression: 'Encounter.extension', writeIndex: index });
}
