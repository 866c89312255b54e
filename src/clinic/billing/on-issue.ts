// What payments do when Invoices are issued: an interface, because billing may not know payments (contract.md 35, architecture.md Rooms).

import type { Currency } from '../../fhir/money.ts';
import type { WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';

export interface IssuedInvoice {
  readonly invoiceId: string;
  /** Id of the Patient who is to pay. */
  readonly patientId: string;
  readonly currency: Currency;
  readonly grossMinor: bigint;
  /** In the clinic's zone: `2026-11-20`. */
  readonly issuedOn: string;
}

/**
 * Called in the effects of the issue, under the money lock, while the charges are `posted`: looks for unapplied credit of the
 * patients' payments meanwhile, then applies it to these Invoices, oldest first, posts that, and gives the new versions of the
 * payments. The Invoices themselves are refreshed by billing afterwards.
 */
export type ApplyCredit = (
  session: Session,
  invoices: readonly IssuedInvoice[],
  posted: Promise<void>,
) => Promise<readonly WriteIntent[]>;
