// What the two effects that let Appointment and Encounter follow each other have settled in a transaction already.

import type { Session } from '../../repository/session.ts';
import type { EncounterStatus } from './encounter-status.ts';

export interface Settled {
  /** The Encounter's status that was met, and the one it takes. */
  readonly met: EncounterStatus;
  readonly becomes: EncounterStatus;
}

/** By transaction and Appointment: rules are given the changes of one type, and a write can hold both. */
const settled = new WeakMap<Session['trx'], Map<string, Settled>>();

export function settle({ trx }: Session, appointmentId: string, pair: Settled): void {
  const ofTransaction = settled.get(trx) ?? new Map<string, Settled>();
  settled.set(trx, ofTransaction.set(appointmentId, pair));
}

/** True where the Appointment was written with, or because of, an Encounter of this status. */
export function isSettled({ trx }: Session, appointmentId: string, status: EncounterStatus): boolean {
  const pair = settled.get(trx)?.get(appointmentId);
  return pair?.met === status || pair?.becomes === status;
}
