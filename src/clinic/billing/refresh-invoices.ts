// What an Invoice says of its payment follows the ledger's entries of it: payment state, outstanding, issued or balanced (contract.md 28, domain.md I6, I7).

import type { Invoice, Resource } from '@medplum/fhirtypes';
import { exactAmounts, toMoney } from '../../fhir/money.ts';
import type { Content, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { readCredits } from '../ledger/credit-balances.ts';
import { knownStates, type SettledState } from '../ledger/known-balances.ts';
import { extensionUrls } from './canonicals.ts';
import { type InvoiceFacts, readInvoiceFacts } from './invoice-facts.ts';

export type PaymentState = 'pending' | 'partial' | 'paid';

/**
 * To be asked in effects, under the money lock, after all postings: gives the server's new versions of these Invoices, of those
 * that are issued or balanced and were posted here. A credit note is `balanced` once nothing is left of the credit that it
 * made: all of it lowered the outstanding, or was refunded since (SM-2c).
 */
export async function refreshInvoices(session: Session, invoiceIds: readonly string[]): Promise<WriteIntent[]> {
  const ids = [...new Set(invoiceIds)];
  const [facts, states] = await Promise.all([readInvoiceFacts(session, ids), knownStates(session, ids)]);
  const live = [...facts.values()].filter(({ status, isImported }) => isPosted(status) && !isImported);
  const invoices = live.flatMap(({ id, kind }) => {
    const state = kind === 'invoice' ? states.get(id) : undefined;
    return state ? [refreshIntent(id, state)] : [];
  });
  const notes = live.filter(({ kind }) => kind !== 'invoice');
  return notes.length === 0 ? invoices : [...invoices, ...(await balanceNotes(session, notes))];
}

function isPosted(status: Invoice['status']): boolean {
  return status === 'issued' || status === 'balanced';
}

/** The Invoice's next version, which says how it is paid. */
export function refreshIntent(id: string, state: SettledState): WriteIntent {
  const { outstandingMinor, currency } = state;
  const apply = ({ resource, exactNumbers }: Content): Content => {
    const refreshed = withPaymentState(resource as Invoice, paymentStateOf(state), toMoney(outstandingMinor, currency));
    return {
      resource: refreshed as Resource,
      exactNumbers: new Map([...(exactNumbers ?? []), ...exactAmounts(refreshed)]),
    };
  };
  return { action: 'patch', type: 'Invoice', id, apply };
}

async function balanceNotes(session: Session, notes: readonly InvoiceFacts[]): Promise<WriteIntent[]> {
  const credits = await readCredits(session, { sources: notes.map(({ id }) => `Invoice/${id}`) });
  const open = new Set(credits.map(({ source }) => source));
  return notes.flatMap((note): WriteIntent[] => {
    const status = open.has(`Invoice/${note.id}`) ? 'issued' : 'balanced';
    if (note.status === status) return [];
    const apply = (content: Content): Content => ({ ...content, resource: { ...content.resource, status } as Invoice });
    return [{ action: 'patch', type: 'Invoice', id: note.id, apply }];
  });
}

export function isAsLedger({ extension = [], status }: Invoice, balance: SettledState): boolean {
  const state = paymentStateOf(balance);
  const outstanding = extension.find(({ url }) => url === extensionUrls.outstanding)?.valueMoney?.value;
  const said = extension.find(({ url }) => url === extensionUrls.paymentState)?.valueCode;
  const isStatus = status === (state === 'paid' ? 'balanced' : 'issued');
  return isStatus && said === state && outstanding === toMoney(balance.outstandingMinor, balance.currency).value;
}

/** After a full refund it is `pending` again: what credit notes have taken off is no payment. */
export function paymentStateOf({
  outstandingMinor,
  paidMinor,
}: Pick<SettledState, 'outstandingMinor' | 'paidMinor'>): PaymentState {
  if (outstandingMinor <= 0n) return 'paid';
  return paidMinor > 0n ? 'partial' : 'pending';
}

export function withPaymentState(
  invoice: Invoice,
  state: PaymentState,
  outstanding: ReturnType<typeof toMoney>,
): Invoice {
  const others = (invoice.extension ?? []).filter(
    ({ url }) => url !== extensionUrls.paymentState && url !== extensionUrls.outstanding,
  );
  return {
    ...invoice,
    status: state === 'paid' ? 'balanced' : 'issued',
    extension: [
      ...others,
      { url: extensionUrls.paymentState, valueCode: state },
      { url: extensionUrls.outstanding, valueMoney: outstanding },
    ],
  };
}
