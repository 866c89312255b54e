// The typed rows of payments, which rules and settlements read instead of resources (contract.md 36, 37, 44).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import type { MethodCode } from './money-method.ts';
import type { PaymentKind } from './payment.ts';
import type { Phase } from './phase.ts';

export interface PaymentRow {
  readonly id: string;
  readonly kind: PaymentKind;
  readonly phase: Phase;
  readonly patientId: string | undefined;
  /** Undefined only for a refund that is not posted yet. */
  readonly method: MethodCode | undefined;
  /** Empty = the main drawer. */
  readonly drawerId: string;
  readonly day: string;
  readonly currency: Currency;
  readonly amountMinor: bigint;
  /** What refunds have given back. */
  readonly refundedMinor: bigint;
  /** `Type/id` */
  readonly refunds: string | undefined;
  readonly requestedBy: string;
}

/** By id. The caller holds `lockMoney`, as all who write them do. */
export async function readPaymentRows({ trx }: Session, ids: readonly string[]): Promise<Map<string, PaymentRow>> {
  if (ids.length === 0) return new Map();
  const rows = await trx.query<Stored>({
    name: 'read-payment-facts',
    text: `SELECT payment_id, kind, phase, patient_id, method, drawer_id, business_day::text, currency, amount_minor::text,
             refunded_minor::text, refunds, requested_by
           FROM payment_fact WHERE payment_id = ANY($1::text[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.payment_id, rowOf(row)]));
}

interface Stored {
  readonly payment_id: string;
  readonly kind: PaymentKind;
  readonly phase: Phase;
  readonly patient_id: string | null;
  readonly method: MethodCode | null;
  readonly drawer_id: string;
  readonly business_day: string;
  readonly currency: Currency;
  readonly amount_minor: string;
  readonly refunded_minor: string;
  readonly refunds: string | null;
  readonly requested_by: string;
}

function rowOf(row: Stored): PaymentRow {
  return {
    id: row.payment_id,
    kind: row.kind,
    phase: row.phase,
    patientId: row.patient_id ?? undefined,
    method: row.method ?? undefined,
    drawerId: row.drawer_id,
    day: row.business_day,
    currency: row.currency,
    amountMinor: BigInt(row.amount_minor),
    refundedMinor: BigInt(row.refunded_minor),
    refunds: row.refunds ?? undefined,
    requestedBy: row.requested_by,
  };
}

/**
 * What was given back of credit notes, whose own rows do not tell, by `Invoice/x`. The search parameter `refunds` finds the
 * refunds, of which a clinic has too many to read them all.
 */
export async function readRefundsOfNotes({ trx }: Session, noteIds: readonly string[]): Promise<Map<string, bigint>> {
  if (noteIds.length === 0) return new Map();
  const rows = await trx.query<{ refunds: string; amount: string }>({
    name: 'read-refunds-of-notes',
    text: `SELECT fact.refunds, sum(fact.amount_minor)::text AS amount
           FROM (SELECT DISTINCT source_id FROM reference
                 WHERE target_type = 'Invoice' AND target_id = ANY ($1::text[]) AND source_type = 'PaymentReconciliation') AS refund
           CROSS JOIN LATERAL (SELECT * FROM payment_fact WHERE payment_id = refund.source_id OFFSET 0) AS fact
           WHERE fact.phase = 'posted' AND fact.refunds IN (SELECT 'Invoice/' || note FROM unnest($1::text[]) AS note)
           GROUP BY fact.refunds`,
    values: [noteIds],
  });
  return new Map(rows.map(({ refunds, amount }) => [refunds, BigInt(amount)]));
}

/** Who asked for it and what was given back stay as they were stored first. */
export function storePaymentRows({ trx }: Session, rows: readonly PaymentRow[]): void {
  if (rows.length === 0) return;
  trx.execute({
    name: 'store-payment-facts',
    text: `INSERT INTO payment_fact (payment_id, kind, phase, patient_id, method, drawer_id, business_day, currency, amount_minor,
             refunds, requested_by)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::text[],
             $9::bigint[], $10::text[], $11::text[])
           ON CONFLICT (tenant_id, payment_id) DO UPDATE
             SET phase = excluded.phase, patient_id = excluded.patient_id, method = excluded.method`,
    values: [
      rows.map((row) => row.id),
      rows.map((row) => row.kind),
      rows.map((row) => row.phase),
      rows.map((row) => row.patientId ?? null),
      rows.map((row) => row.method ?? null),
      rows.map((row) => row.drawerId),
      rows.map((row) => row.day),
      rows.map((row) => row.currency),
      rows.map((row) => String(row.amountMinor)),
      rows.map((row) => row.refunds ?? null),
      rows.map((row) => row.requestedBy),
    ],
  });
}

export interface Refunded {
  readonly paymentId: string;
  /** Negative where a refund is taken back. */
  readonly amountMinor: bigint;
}

export function addRefunded({ trx }: Session, refunded: readonly Refunded[]): void {
  if (refunded.length === 0) return;
  trx.execute({
    name: 'add-refunded',
    text: `UPDATE payment_fact SET refunded_minor = refunded_minor + added.amount
           FROM unnest($1::text[], $2::bigint[]) AS added (payment_id, amount)
           WHERE payment_fact.payment_id = added.payment_id`,
    values: [refunded.map((one) => one.paymentId), refunded.map((one) => String(one.amountMinor))],
  });
}
