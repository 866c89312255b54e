// Recomputes a clinic's money from its resources alone and says where they disagree: I1, I6 to I9, I11 and I12 of domain.md 3.5.

import type { Account, Basic, Invoice, Money, PaymentReconciliation } from '@medplum/fhirtypes';
import type { Books } from './clinic.ts';
import { netAmountOf, referenceTo, type Stored, urls } from './till.ts';

interface Entry {
  readonly number: string;
  readonly account: string;
  readonly cents: number;
  readonly invoice: string | undefined;
  readonly party: string | undefined;
}

interface Journal {
  readonly id: string;
  readonly type: string;
  readonly day: string;
  /** Without its version. */
  readonly source: string;
  readonly reverses: string | undefined;
  readonly entries: readonly Entry[];
}

/** Empty where all agrees. */
export function checkBooks(books: Books & { readonly accounts: readonly Stored<Account>[] }): string[] {
  const journals = readJournals(books.journals, books.accounts);
  const payments = books.payments.filter(({ status, outcome }) => status === 'active' && outcome === 'complete');
  const kinds = Map.groupBy(payments, kindOf);
  const taken = ['payment', 'advance', 'adjustment', 'copay'].flatMap((kind) => kinds.get(kind) ?? []);
  const refunds = kinds.get('refund') ?? [];
  return [
    ...checkJournals(journals),
    ...books.invoices.flatMap((invoice) => checkInvoice(invoice, { journals, taken, refunds })),
    ...taken.flatMap((payment) => checkPayment(payment, refunds)),
    ...checkRefunds(refunds, new Set([...taken, ...books.invoices].map(referenceTo))),
    ...checkCredit({ journals, taken, refunds }),
    ...checkOnce(books, journals),
    ...(kinds.get('settlement') ?? []).flatMap((settlement) => checkSettlement(settlement, journals)),
  ];
}

interface Moved {
  readonly journals: readonly Journal[];
  readonly taken: readonly Stored<PaymentReconciliation>[];
  readonly refunds: readonly Stored<PaymentReconciliation>[];
}

/** I1, I9. */
function checkJournals(journals: readonly Journal[]): string[] {
  const byId = new Map(journals.map((journal) => [journal.id, journal]));
  const reversed = new Map<string, number>();
  const found: string[] = [];
  for (const { id, entries, reverses } of journals) {
    if (sum(entries) !== 0) found.push(`I1: Basic/${id} does not sum to nothing`);
    if (reverses === undefined) continue;
    reversed.set(reverses, (reversed.get(reverses) ?? 0) + 1);
    const pair = [...entries, ...(byId.get(reverses)?.entries ?? [])];
    const nets = [...Map.groupBy(pair, ({ account }) => account).values()].map(sum);
    if (nets.some((net) => net !== 0)) found.push(`I9: Basic/${id} is no mirror`);
  }
  return [
    ...found,
    ...[...reversed].flatMap(([id, times]) => (times > 1 ? [`I9: Basic/${id} reversed ${times} times`] : [])),
  ];
}

/** I6, I7. */
function checkInvoice(invoice: Stored<Invoice>, { journals, taken, refunds }: Moved): string[] {
  if (invoice.status !== 'issued' && invoice.status !== 'balanced') return [];
  if (invoice.type !== undefined) return [];
  const reference = referenceTo(invoice);
  const said = cents(invoice.extension?.find(({ url }) => url === urls.outstanding)?.valueMoney);
  const receivable = journals.map((journal) => ({
    type: journal.type,
    cents: sum(journal.entries.filter((entry) => entry.number === '1200' && entry.invoice === reference)),
  }));
  const posted = receivable.reduce((total, one) => total + one.cents, 0);
  const credited = receivable.filter(({ type }) => type === 'ADJUSTMENT').reduce((total, one) => total + one.cents, 0);
  const told = cents(invoice.totalGross) - allocated(taken, reference) + allocated(refunds, reference) + credited;
  return [
    ...(said === posted ? [] : [`I6: ${reference} says ${said}, its entries ${posted}`]),
    ...(said === told ? [] : [`I6: ${reference} says ${said}, its payments ${told}`]),
    ...(said < 0 ? [`I6: ${reference} is paid more than once`] : []),
    ...((said === 0) === (invoice.status === 'balanced') ? [] : [`I7: ${reference} is ${invoice.status} at ${said}`]),
  ];
}

/** I8. */
function checkPayment(payment: Stored<PaymentReconciliation>, refunds: Moved['refunds']): string[] {
  const reference = referenceTo(payment);
  const amount = cents(payment.paymentAmount);
  const back = refunds.filter((refund) => refundedBy(refund) === reference);
  const backCents = back.reduce((total, refund) => total + cents(refund.paymentAmount), 0);
  const net = netAmountOf(payment);
  const applied = (payment.detail ?? []).reduce((total, part) => total + cents(part.amount), 0);
  const unused = amount - applied - creditGivenBack(back);
  return [
    ...(unused < 0 ? [`I8: ${reference} is used for more than it is`] : []),
    ...(backCents > amount ? [`I8: ${reference} is refunded for more than it is`] : []),
    ...(net === undefined || Math.round(net * 100) === amount - backCents
      ? []
      : [`I8: ${reference} says ${net} is left`]),
  ];
}

/** I8: nothing is given back of what is not there. */
function checkRefunds(refunds: Moved['refunds'], live: ReadonlySet<string>): string[] {
  const lost = refunds.filter((refund) => !live.has(refundedBy(refund) ?? ''));
  return lost.map((refund) => `I8: ${referenceTo(refund)} refunds what is void`);
}

/** I8 for all payments of a patient together: what they have not used, and what notes have given, is on 2100. */
function checkCredit({ journals, taken, refunds }: Moved): string[] {
  const entries = journals.flatMap((journal) => journal.entries.map((entry) => ({ ...entry, type: journal.type })));
  const held = -sum(entries.filter(({ number }) => number === '2100'));
  const applied = (payment: PaymentReconciliation) =>
    (payment.detail ?? []).reduce(
      (total, { request, amount }) => total + (request?.reference?.startsWith('Invoice/') ? cents(amount) : 0),
      0,
    );
  const unused = taken.reduce((total, payment) => total + cents(payment.paymentAmount) - applied(payment), 0);
  const noted = -sum(entries.filter(({ number, type }) => number === '2100' && type === 'ADJUSTMENT'));
  const told = unused + noted - creditGivenBack(refunds);
  return held === told ? [] : [`I8: 2100 holds ${held}, payments and notes say ${told}`];
}

/** I11. */
function checkOnce({ invoices, payments }: Books, journals: readonly Journal[]): string[] {
  const types = new Set(['CHARGE', 'PAYMENT', 'DEPOSIT', 'REFUND']);
  const posted = Map.groupBy(
    journals.filter(({ type }) => types.has(type)),
    ({ source }) => source,
  );
  const wanted = [
    ...invoices.filter((one) => one.type === undefined && one.status !== 'draft'),
    ...payments.filter((one) => one.status === 'active' && one.outcome === 'complete' && kindOf(one) !== 'settlement'),
  ].map(referenceTo);
  return [
    ...[...posted].flatMap(([source, of]) => (of.length > 1 ? [`I11: ${source} is posted ${of.length} times`] : [])),
    ...wanted.flatMap((source) => (posted.has(source) ? [] : [`I11: ${source} is not posted`])),
  ];
}

/** I12, of a clinic with one drawer. */
function checkSettlement(
  { id, paymentDate, paymentAmount }: Stored<PaymentReconciliation>,
  journals: readonly Journal[],
): string[] {
  const ofDay = journals.filter(({ day, type }) => day === paymentDate && type !== 'OVER_SHORT');
  const brought = sum(ofDay.flatMap(({ entries }) => entries.filter(({ number }) => /^10[1-5]0$/.test(number))));
  const expected = cents(paymentAmount);
  return brought === expected ? [] : [`I12: settlement ${id} of ${paymentDate} expects ${expected}, not ${brought}`];
}

/** Of refunds what was on no Invoice. */
function creditGivenBack(refunds: Moved['refunds']): number {
  return refunds.reduce(
    (total, { paymentAmount, detail = [] }) =>
      total + cents(paymentAmount) - detail.reduce((of, { amount }) => of + cents(amount), 0),
    0,
  );
}

function allocated(payments: Moved['taken'], invoice: string): number {
  const parts = payments.flatMap(({ detail = [] }) => detail.filter(({ request }) => request?.reference === invoice));
  return parts.reduce((total, { amount }) => total + cents(amount), 0);
}

function kindOf({ extension = [] }: PaymentReconciliation): string | undefined {
  return extension.find(({ url }) => url === urls.type)?.valueCodeableConcept?.coding?.[0]?.code;
}

function refundedBy({ extension = [] }: PaymentReconciliation): string | undefined {
  return extension.find(({ url }) => url === urls.refunds)?.valueReference?.reference;
}

function readJournals(journals: Books['journals'], accounts: readonly Stored<Account>[]): Journal[] {
  const numbers = new Map(accounts.map(({ id, identifier = [] }) => [`Account/${id}`, identifier[0]?.value ?? '']));
  return journals.map(({ id, created, extension = [] }: Stored<Basic>): Journal => {
    const part = (url: string) => extension.find((one) => one.url === url);
    const entries = extension.filter(({ url }) => url === urls.entry);
    return {
      id,
      type: part(urls.ledgerType)?.valueCode ?? '',
      day: created ?? '',
      source: (part(urls.source)?.valueReference?.reference ?? '').replace(/\/_history\/.*/, ''),
      reverses: part(urls.reverses)?.valueReference?.reference?.replace('Basic/', ''),
      entries: entries.map(({ extension: parts = [] }): Entry => {
        const reference = (url: string) => parts.find((one) => one.url === url)?.valueReference?.reference;
        const account = reference('account') ?? '';
        return {
          account,
          number: (numbers.get(account) ?? '').slice(0, 4),
          cents: cents(parts.find(({ url }) => url === 'amount')?.valueMoney),
          invoice: reference('invoice'),
          party: reference('party'),
        };
      }),
    };
  });
}

function sum(entries: readonly Pick<Entry, 'cents'>[]): number {
  return entries.reduce((total, entry) => total + entry.cents, 0);
}

function cents(money: Money | undefined): number {
  return Math.round((money?.value ?? 0) * 100);
}
