// Effect: a ChargeItem is on one live Invoice at most; a row with a primary key says on which (domain.md S4-K2, S4-M12).

import type { Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { chargeItemIdsOf } from './charge-items.ts';
import { isLive, kindOf } from './invoice-status.ts';

interface Claim {
  readonly chargeItemId: string;
  readonly invoiceId: string;
  readonly index: number;
}

export const claimCharges: Rule<readonly WriteIntent[]> = {
  name: 'charges-of-invoices',
  type: 'Invoice',
  async run(changes, session) {
    const released = changes.flatMap((change) =>
      notIn(chargesOf(change, 'oldResource'), chargesOf(change, 'resource')),
    );
    if (released.length > 0) release(session, released);
    const wanted = changes.flatMap((change) => notIn(chargesOf(change, 'resource'), chargesOf(change, 'oldResource')));
    if (wanted.length === 0) return [];
    const owners = await claim(session, wanted);
    for (const { chargeItemId, invoiceId, index } of wanted) {
      if (owners.get(chargeItemId) !== invoiceId) throw taken(index);
    }
    return [];
  },
};

/** Which of these ChargeItems are on a live Invoice. */
export async function claimedOf({ trx }: Session, chargeItemIds: readonly string[]): Promise<Set<string>> {
  const rows = await trx.query<{ charge_item_id: string }>({
    name: 'claimed-charges',
    text: 'SELECT charge_item_id FROM invoice_charge WHERE charge_item_id = ANY($1::text[])',
    values: [chargeItemIds],
  });
  return new Set(rows.map((row) => row.charge_item_id));
}

/** None of what is not live, and none of a credit note: it takes back what stays charged. */
function chargesOf(change: Change, which: 'resource' | 'oldResource'): Claim[] {
  const invoice = change[which] as Invoice | undefined;
  if (!invoice || !isLive(invoice) || kindOf(invoice) !== 'invoice') return [];
  const { id: invoiceId, index } = change;
  return chargeItemIdsOf(invoice).map((chargeItemId) => ({ chargeItemId, invoiceId, index }));
}

function notIn(claims: readonly Claim[], others: readonly Claim[]): Claim[] {
  const known = new Set(others.map(({ chargeItemId }) => chargeItemId));
  return claims.filter(({ chargeItemId }) => !known.has(chargeItemId));
}

function release({ trx }: Session, claims: readonly Claim[]): void {
  trx.execute({
    name: 'release-charges',
    text: `DELETE FROM invoice_charge
           WHERE (charge_item_id, invoice_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: pairs(claims),
  });
}

/** Whose each of them is then. Waits for another transaction that takes the same one; in one order, so that none deadlock. */
async function claim({ trx }: Session, claims: readonly Claim[]): Promise<Map<string, string>> {
  const ordered = claims.toSorted((a, b) => (a.chargeItemId < b.chargeItemId ? -1 : 1));
  trx.execute({
    name: 'claim-charges',
    text: `INSERT INTO invoice_charge (charge_item_id, invoice_id) SELECT * FROM unnest($1::text[], $2::text[])
           ON CONFLICT (tenant_id, charge_item_id) DO NOTHING`,
    values: pairs(ordered),
  });
  const rows = await trx.query<{ charge_item_id: string; invoice_id: string }>({
    name: 'owners-of-charges',
    text: 'SELECT charge_item_id, invoice_id FROM invoice_charge WHERE charge_item_id = ANY($1::text[])',
    values: [ordered.map(({ chargeItemId }) => chargeItemId)],
  });
  return new Map(rows.map((row) => [row.charge_item_id, row.invoice_id]));
}

function pairs(claims: readonly Claim[]): [string[], string[]] {
  return [claims.map(({ chargeItemId }) => chargeItemId), claims.map(({ invoiceId }) => invoiceId)];
}

function taken(writeIndex: number): Error {
  return fhirError('conflict', 'A ChargeItem of this Invoice is on another Invoice that is not cancelled.', {
    expression: 'Invoice.lineItem',
    writeIndex,
  });
}
