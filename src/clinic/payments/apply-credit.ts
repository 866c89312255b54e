// At issue of an Invoice the patient's unused payments settle it, oldest first (contract.md 35, domain.md 3.3).

import type { PaymentReconciliation, PaymentReconciliationDetail } from '@medplum/fhirtypes';
import { type Currency, readAmount } from '../../fhir/money.ts';
import type { WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { localTarget } from '../billing/local-target.ts';
import type { ApplyCredit, IssuedInvoice } from '../billing/on-issue.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { knownBalances, knownCredits } from '../ledger/known-balances.ts';
import { postJournal } from '../ledger/post-journal.ts';
import { applyCreditLines, type Allocation as Settled } from '../ledger/postings.ts';
import { lesser } from './allocate.ts';
import { addAllocations } from './allocation-rows.ts';
import { paymentTypeSystem } from './canonicals.ts';
import { editContent, exactMoney } from './content.ts';

/** The money of a payment that no Invoice has used. */
interface Unused {
  readonly paymentId: string;
  /** `Patient/x` who may use it: more than one where they are the same person. */
  readonly patients: Set<string>;
  /** In whose account it is. */
  readonly heldFor: string;
  readonly currency: Currency;
  leftMinor: bigint;
}

interface Applied {
  readonly paymentId: string;
  readonly invoice: IssuedInvoice;
  readonly amountMinor: bigint;
}

export const applyCredit: ApplyCredit = async (session, invoices, posted) => {
  const unused = await readUnused(session, invoices);
  await posted;
  if (unused.length === 0) return [];
  const paymentIds = unused.map(({ paymentId }) => paymentId);
  const versions = await readVersions(session, paymentIds);
  const applied: Applied[] = [];
  // An Invoice may need several payments: each round settles each Invoice by one of them.
  for (let open = invoices; open.length > 0; ) {
    const round = await settleRound(session, { open, unused, versions });
    applied.push(...round);
    const settled = new Set(round.map(({ invoice }) => invoice));
    open = open.filter((invoice) => settled.has(invoice));
  }
  addAllocations(
    session,
    applied.map(({ paymentId, invoice, amountMinor }) => ({
      ...{ paymentId, invoiceId: invoice.invoiceId, amountMinor, receiptId: undefined },
    })),
  );
  return [...Map.groupBy(applied, ({ paymentId }) => paymentId)].map(([id, parts]) => detailIntent(id, parts));
};

/** What credit notes have given waits for its refund and is not applied by itself (contract.md 29). */
async function readUnused(session: Session, invoices: readonly IssuedInvoice[]): Promise<Unused[]> {
  const patients = [...new Set(invoices.map(patientOf))];
  const credits = [...(await knownCredits(session, patients)).values()].flat();
  const unused = new Map<string, Unused>();
  for (const { patient, heldFor, source, currency, amountMinor } of credits) {
    const [type, paymentId] = source.split('/');
    if (type !== 'PaymentReconciliation' || paymentId === undefined || amountMinor <= 0n) continue;
    if (patient === undefined || heldFor === undefined) continue;
    const key = [source, heldFor, currency].join(' ');
    const known = unused.get(key);
    known?.patients.add(patient);
    if (!known) unused.set(key, { paymentId, patients: new Set([patient]), heldFor, currency, leftMinor: amountMinor });
  }
  return [...unused.values()];
}

async function readVersions({ trx }: Session, paymentIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await trx.query<{ id: string; version_id: number }>({
    name: 'payment-versions',
    text: "SELECT id, version_id FROM resource WHERE type = 'PaymentReconciliation' AND id = ANY($1::text[])",
    values: [paymentIds],
  });
  return new Map(rows.map((row) => [row.id, row.version_id]));
}

interface Round {
  readonly open: readonly IssuedInvoice[];
  readonly unused: readonly Unused[];
  readonly versions: ReadonlyMap<string, number>;
}

async function settleRound(session: Session, { open, unused, versions }: Round): Promise<Applied[]> {
  const balances = await knownBalances(
    session,
    open.map(({ invoiceId }) => invoiceId),
  );
  const applied: Applied[] = [];
  const journals: JournalEntry[] = [];
  for (const invoice of open) {
    const balance = balances.get(invoice.invoiceId);
    const credit = unused.find((one) => one.leftMinor > 0n && isFor(one, invoice));
    if (!balance || !credit || balance.outstandingMinor <= 0n) continue;
    const amountMinor = lesser(credit.leftMinor, balance.outstandingMinor);
    credit.leftMinor -= amountMinor;
    applied.push({ paymentId: credit.paymentId, invoice, amountMinor });
    const settled: Settled = { invoice: invoice.invoiceId, patient: patientOf(invoice), balance, amountMinor };
    journals.push(journalOf(credit, settled, { invoice, version: (versions.get(credit.paymentId) ?? 0) + 1 }));
  }
  if (journals.length > 0) await postJournal(session, journals);
  return applied;
}

function isFor({ patients, currency }: Unused, invoice: IssuedInvoice): boolean {
  return patients.has(patientOf(invoice)) && currency === invoice.currency;
}

function patientOf({ patientId }: IssuedInvoice): string {
  return `Patient/${patientId}`;
}

function journalOf(
  { paymentId, heldFor: patient, currency }: Unused,
  settled: Settled,
  { invoice, version }: { readonly invoice: IssuedInvoice; readonly version: number },
): JournalEntry {
  const source = `PaymentReconciliation/${paymentId}`;
  const { amountMinor } = settled;
  return {
    type: 'APPLY_CREDIT',
    businessDate: invoice.issuedOn,
    source: `${source}/_history/${version}`,
    idempotencyKey: `apply ${paymentId} ${invoice.invoiceId}`,
    currency,
    subject: patientOf(invoice),
    lines: applyCreditLines([{ patient, source, amountMinor }], [settled]),
  };
}

function detailIntent(id: string, parts: readonly Applied[]): WriteIntent {
  return {
    action: 'patch',
    type: 'PaymentReconciliation',
    id,
    apply: (content) => editContent(content, (payment) => parts.reduce(withApplied, payment)),
  };
}

/** A part that was kept for an Appointment is taken first: what it was for is the Invoice now. */
function withApplied(payment: PaymentReconciliation, { invoice, amountMinor }: Applied): PaymentReconciliation {
  const { detail = [], ...rest } = payment;
  const { currency } = invoice;
  let leftMinor = amountMinor;
  const kept = detail.flatMap((part): PaymentReconciliationDetail[] => {
    if (leftMinor === 0n || localTarget(part.request)?.type !== 'Appointment') return [part];
    const partMinor = minorOf(part, currency);
    const takenMinor = lesser(partMinor, leftMinor);
    leftMinor -= takenMinor;
    return takenMinor === partMinor ? [] : [{ ...part, amount: exactMoney(partMinor - takenMinor, currency) }];
  });
  const added: PaymentReconciliationDetail = {
    type: { coding: [{ system: paymentTypeSystem, code: 'payment' }] },
    request: { reference: `Invoice/${invoice.invoiceId}` },
    date: invoice.issuedOn,
    amount: exactMoney(amountMinor, currency),
  };
  return { ...rest, detail: [...kept, added] };
}

/** Within an edit numbers may be the texts they are written as. */
function minorOf({ amount }: PaymentReconciliationDetail, currency: Currency): bigint {
  const value: unknown = amount?.value;
  return (
    readAmount(typeof value === 'number' ? value : String((value as { text?: string })?.text ?? ''), currency) ?? 0n
  );
}
