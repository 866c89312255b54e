// Follow-up visits that a paid one has paid for already: so many within so many days (domain.md S5-18, `X/valid-visits`, `X/valid-days`).

import type { Session } from '../../repository/session.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { localTarget } from './local-target.ts';
import type { FreeVisits, Price } from './price.ts';
import type { VisitFacts } from './visit-facts.ts';

export interface ChargedVisit {
  readonly appointmentId: string;
  readonly invoiceId: string;
  readonly visit: VisitFacts;
  readonly price: Price;
}

/** Says why it costs nothing; undefined where it costs what it costs. Keeps whose fee covers it, or that it was charged itself. */
export async function coverByPaidVisit(session: Session, charged: ChargedVisit): Promise<string | undefined> {
  const { price, visit } = charged;
  const patient = localTarget(visit.patient);
  if (!price.freeVisits || patient?.type !== 'Patient') return undefined;
  // Two follow-ups at once must not both take the last free visit.
  lockMoney(session);
  const paid = await findPaid(session, { ...charged, patientId: patient.id, terms: price.freeVisits });
  session.trx.execute({
    name: 'keep-visit-fee',
    text: `INSERT INTO visit_fee (appointment_id, invoice_id, patient_id, definition_id, practitioner_id, visited_at, covered_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, appointment_id) DO NOTHING`,
    values: [
      charged.appointmentId,
      charged.invoiceId,
      patient.id,
      price.id,
      practitionerOf(visit) ?? null,
      new Date(visit.at),
      paid?.appointment_id ?? null,
    ],
  });
  if (!paid) return undefined;
  const { count, days } = price.freeVisits;
  return `Free follow-up ${paid.used + 1} of ${count} within ${days} days of a paid visit`;
}

interface Wanted extends ChargedVisit {
  readonly patientId: string;
  readonly terms: FreeVisits;
}

/** A visit to the same practitioner at the same price, whose Invoice is paid; those that were cancelled have used nothing. */
async function findPaid(
  { trx }: Session,
  { visit, price, patientId, terms }: Wanted,
): Promise<{ appointment_id: string; used: number } | undefined> {
  const [row] = await trx.query<{ appointment_id: string; used: number }>({
    name: 'find-paid-visit',
    text: `SELECT paid.appointment_id, uses.used FROM visit_fee paid
           JOIN invoice_fact fact ON fact.invoice_id = paid.invoice_id AND fact.status = 'balanced' AND fact.gross_minor > 0
           CROSS JOIN LATERAL (
             SELECT count(*)::int AS used FROM visit_fee free
             JOIN invoice_fact freely ON freely.invoice_id = free.invoice_id
               AND freely.status IN ('draft', 'issued', 'balanced')
             WHERE free.covered_by = paid.appointment_id) uses
           WHERE paid.patient_id = $1 AND paid.definition_id = $2 AND paid.practitioner_id IS NOT DISTINCT FROM $3
             AND paid.covered_by IS NULL AND paid.visited_at <= $4 AND paid.visited_at >= $5 AND uses.used < $6
           ORDER BY paid.visited_at LIMIT 1`,
    values: [
      patientId,
      price.id,
      practitionerOf(visit) ?? null,
      new Date(visit.at),
      new Date(visit.at - terms.days * 86_400_000),
      terms.count,
    ],
  });
  return row;
}

function practitionerOf({ practitioners }: VisitFacts): string | undefined {
  const [first] = practitioners;
  return first?.slice('Practitioner/'.length);
}
