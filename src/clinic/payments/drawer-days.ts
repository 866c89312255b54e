// A drawer's day that was settled is closed: nothing is paid, given back or voided in it any more (contract.md 38, 44, domain.md SM-10).

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';

export interface DrawerDay {
  /** Empty = the main drawer. */
  readonly drawerId: string;
  readonly day: string;
}

/** Throws 409 where one of them is closed. The caller holds `lockMoney`, as whoever settles does. */
export async function requireOpen(
  { trx }: Session,
  days: readonly (DrawerDay & { readonly writeIndex?: number })[],
): Promise<void> {
  if (days.length === 0) return;
  const rows = await trx.query<{ drawer_id: string; day: string }>({
    name: 'closed-drawer-days',
    text: `SELECT drawer_id, business_day::text AS day FROM settlement
           WHERE (drawer_id, business_day) IN (SELECT * FROM unnest($1::text[], $2::date[]))`,
    values: [days.map((one) => one.drawerId), days.map((one) => one.day)],
  });
  const closed = new Set(rows.map((row) => `${row.drawer_id} ${row.day}`));
  const refused = days.find(({ drawerId, day }) => closed.has(`${drawerId} ${day}`));
  if (!refused) return;
  throw fhirError('conflict', `The drawer's day ${refused.day} is settled: post what corrects it on a later day.`, {
    expression: 'PaymentReconciliation.paymentDate',
    ...(refused.writeIndex !== undefined && { writeIndex: refused.writeIndex }),
  });
}

/** Throws 409 where money of that drawer and day still waits for its outcome. */
export async function requireNothingQueued({ trx }: Session, { drawerId, day }: DrawerDay): Promise<void> {
  const [row] = await trx.query<{ count: number }>({
    name: 'queued-of-drawer-day',
    text: `SELECT count(*)::int AS count FROM payment_fact
           WHERE phase = 'queued' AND drawer_id = $1 AND business_day = $2::date`,
    values: [drawerId, day],
  });
  if (!row || row.count === 0) return;
  throw fhirError(
    'conflict',
    `${row.count} payments of that drawer and day are queued: complete or cancel them first.`,
    {
      expression: 'PaymentReconciliation.outcome',
    },
  );
}

/** False where somebody was faster. */
export async function closeDay({ trx }: Session, { drawerId, day }: DrawerDay, settlementId: string): Promise<boolean> {
  const rows = await trx.query({
    name: 'close-drawer-day',
    text: `INSERT INTO settlement (drawer_id, business_day, settlement_id) VALUES ($1, $2::date, $3)
           ON CONFLICT (tenant_id, drawer_id, business_day) DO NOTHING RETURNING drawer_id`,
    values: [drawerId, day, settlementId],
  });
  return rows.length > 0;
}
