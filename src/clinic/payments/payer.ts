// Whose money a payment is: the patient who paid, else the one whose Invoice or Appointment was paid for (contract.md 33).

import type { Appointment } from '@medplum/fhirtypes';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import type { InvoiceFacts } from '../billing/invoice-facts.ts';
import { localTarget } from '../billing/local-target.ts';
import type { Payment } from './payment.ts';

/** The id of the Patient; undefined where nothing tells. */
export async function payerOf(
  session: Session,
  { issuer, allocations }: Pick<Payment, 'issuer' | 'allocations'>,
  facts: ReadonlyMap<string, InvoiceFacts>,
): Promise<string | undefined> {
  if (issuer?.type === 'Patient') return issuer.id;
  for (const { target } of allocations) {
    if (!target) continue;
    const payer = target.type === 'Invoice' ? facts.get(target.id)?.patientId : await patientOf(session, target.id);
    if (payer !== undefined) return payer;
  }
  return undefined;
}

async function patientOf(session: Session, appointmentId: string): Promise<string | undefined> {
  const version = await find(session, 'Appointment', appointmentId);
  const appointment = version && (parseBody(version) as Appointment | undefined);
  for (const { actor, status } of appointment?.participant ?? []) {
    // Who has declined does not come, and pays nothing (contract.md 11).
    if (status === 'declined') continue;
    const target = localTarget(actor);
    if (target?.type === 'Patient') return target.id;
  }
  return undefined;
}
