// Effect: what is issued or cancelled is posted, its ChargeItems become billed or billable, and credit pays what it can (domain.md 3.3, contract.md 26 to 30, 35).

import type { ChargeItem, Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, Content, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { knownBalances, knownStates } from '../ledger/known-balances.ts';
import { foreseePostings } from '../ledger/known-ledger.ts';
import { postJournal } from '../ledger/post-journal.ts';
import { chargeLines, creditNoteLines, writeOffLines } from '../ledger/postings.ts';
import { reverseJournal } from '../ledger/reverse-journal.ts';
import { writeFurther } from '../write-further.ts';
import { isCancellation } from './cancel-issued.ts';
import { chargeItemIdOf, chargeItemIdsOf, readChargeItems } from './charge-items.ts';
import { clinicTime } from './clinic-time.ts';
import { writeOffReasonOf } from './invoice-status.ts';
import { departmentBefore, type Issue, issueOf } from './issue.ts';
import { ownersOf } from './keep-invoice-facts.ts';
import type { ApplyCredit, IssuedInvoice } from './on-issue.ts';
import type { LineComponent } from './price-line.ts';
import { isAsLedger, refreshInvoices } from './refresh-invoices.ts';
import { revenueAccountOf } from './revenue-account.ts';

export interface PostOptions {
  readonly settingsOf: SettingsOf;
  readonly applyCredit: ApplyCredit | undefined;
}

export function createPostInvoices(options: PostOptions): Rule<readonly WriteIntent[]> {
  return {
    name: 'post-invoices',
    type: 'Invoice',
    async run(changes, session) {
      const issued = changes.filter((change) => issueOf(change));
      const invoices = issued.filter((change) => issueOf(change)?.kind === 'invoice');
      const corrections = issued.filter((change) => issueOf(change)?.kind !== 'invoice');
      const ended = changes.filter(isCancellation);
      if (issued.length + ended.length === 0) return [];
      const settings = await options.settingsOf(session.trx);
      const reversedOn = clinicTime(session.at, settings.timezone).slice(0, 10);
      const items = await readChargeItems(session, [...invoices, ...ended].flatMap(chargesOf));
      await reverse(session, ended, reversedOn);
      const charged = new Set(invoices.flatMap(chargesOf));
      const statuses = setChargeStatuses(items, charged, new Set(ended.flatMap(chargesOf)));
      const posted = postCharges(session, invoices, { basis: settings['ledger.basis'], items });
      // Side by side, for their statements travel in the same messages.
      const [paid] = await Promise.all([
        payByCredit(session, invoices, { applyCredit: options.applyCredit, posted }),
        posted,
        writeFurther(session, statuses),
      ]);
      return [...paid, ...(await postCorrections(session, corrections))];
    },
  };
}

function idOf({ id }: Change): string {
  return id;
}

function chargesOf({ resource }: Change): string[] {
  return chargeItemIdsOf(resource as Invoice);
}

interface ChargeTerms {
  readonly basis: 'cash' | 'accrual';
  readonly items: ReadonlyMap<string, ChargeItem>;
}

async function postCharges(session: Session, changes: readonly Change[], terms: ChargeTerms): Promise<void> {
  if (changes.length > 0) await postJournal(session, chargeEntries(changes, terms));
}

/** Asks, in the message that asks for the numbers, for what the postings of these will need. Which revenue it is no account tells on cash basis. */
export function foreseeCharges(session: Session, changes: readonly Change[], basis: ChargeTerms['basis']): void {
  const invoices = changes.filter((change) => issueOf(change)?.kind === 'invoice');
  foreseePostings(session, chargeEntries(invoices, { basis, items: new Map() }));
}

function chargeEntries(changes: readonly Change[], { basis, items }: ChargeTerms): JournalEntry[] {
  return changes.flatMap((change): JournalEntry[] => {
    const issue = issueOf(change);
    if (!issue) return [];
    const owners = ownersOf(change);
    const practitionerId = owners?.practitionerId;
    const departmentId = owners?.departmentId ?? departmentBefore(change);
    const { patient, currency, issuedOn: businessDate } = issue;
    const lines = chargeLines({ invoice: change.id, patient, basis, ...partsOf(change, issue, items) });
    const about = {
      ...(practitionerId !== undefined && { practitioner: `Practitioner/${practitionerId}` }),
      ...(departmentId !== undefined && { department: `Organization/${departmentId}` }),
    };
    const said = { currency, businessDate, ...(patient !== undefined && { subject: patient }), lines, facts: about };
    return [{ ...entryOf(change, 'CHARGE'), ...said }];
  });
}

function entryOf(
  { id, versionId }: Change,
  type: JournalEntry['type'],
): Pick<JournalEntry, 'type' | 'source' | 'idempotencyKey'> {
  return { type, source: `Invoice/${id}/_history/${versionId}`, idempotencyKey: `${type} Invoice/${id}` };
}

export function chargeKey(invoiceId: string): string {
  return `CHARGE Invoice/${invoiceId}`;
}

/** The revenue of each account before discounts, these as one sum, and each tax. */
function partsOf({ resource }: Change, { components }: Issue, items: ReadonlyMap<string, ChargeItem>) {
  const invoice = resource as Invoice;
  const netMinor = new Map<string, bigint>();
  const taxMinor = new Map<string, bigint>();
  for (const [index, line] of components.entries()) {
    const written = invoice.lineItem?.[index];
    const account = revenueAccountOf(invoice, items.get((written && chargeItemIdOf(written)) ?? ''));
    for (const component of line) {
      const { type, amountMinor } = component;
      if (type === 'base' || type === 'surcharge') add(netMinor, account, amountMinor);
      if (type === 'tax') add(taxMinor, taxCodeOf(component), amountMinor);
    }
  }
  for (const { type, amountMinor } of components.flat()) {
    if (type === 'discount' || type === 'deduction') add(netMinor, discounts, amountMinor);
  }
  return { netMinor, taxMinor };
}

const discounts = '4100';

function add(sums: Map<string, bigint>, key: string, amountMinor: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + amountMinor);
}

export function taxCodeOf({ code }: LineComponent): string {
  return code?.coding?.[0]?.code ?? code?.text ?? 'TAX';
}

/** The Invoice was stored as its payment will be; where the ledger says otherwise, it gets another version. */
async function payByCredit(
  session: Session,
  changes: readonly Change[],
  { applyCredit, posted }: { readonly applyCredit: ApplyCredit | undefined; readonly posted: Promise<void> },
): Promise<WriteIntent[]> {
  const issued = changes.flatMap((change): IssuedInvoice[] => {
    const issue = issueOf(change);
    if (!issue || issue.grossMinor === 0n || issue.patient === undefined) return [];
    const { patient, currency, grossMinor, issuedOn } = issue;
    return [{ invoiceId: change.id, patientId: patient.slice('Patient/'.length), currency, grossMinor, issuedOn }];
  });
  if (!applyCredit || issued.length === 0) return [];
  const payments = await applyCredit(session, issued, posted);
  await posted;
  const states = await knownStates(
    session,
    issued.map(({ invoiceId }) => invoiceId),
  );
  const changed = changes.filter(({ id, resource }) => {
    const state = states.get(id);
    return state && !isAsLedger(resource as Invoice, state);
  });
  const ids = changed.map(idOf);
  return [...payments, ...(ids.length > 0 ? await refreshInvoices(session, ids) : [])];
}

/** One after the other: each is reckoned on what the one before has left. */
async function postCorrections(session: Session, changes: readonly Change[]): Promise<WriteIntent[]> {
  const corrected: string[] = [];
  for (const change of changes) {
    const issue = issueOf(change);
    if (!issue?.correctsId) continue;
    corrected.push(issue.correctsId);
    await postCorrection(session, change, { ...issue, correctsId: issue.correctsId });
  }
  if (corrected.length === 0) return [];
  return await refreshInvoices(session, [...corrected, ...changes.map(idOf)]);
}

async function postCorrection(
  session: Session,
  change: Change,
  { kind, patient, currency, grossMinor, issuedOn, correctsId }: Issue & { readonly correctsId: string },
): Promise<void> {
  const balance = (await knownBalances(session, [correctsId])).get(correctsId);
  if (!balance) throw new Error('An Invoice that can be corrected has no balance.');
  const about = { invoice: correctsId, patient, balance, amountMinor: -grossMinor };
  const reason = writeOffReasonOf(change.resource as Invoice);
  const isWriteOff = kind === 'write-off' && reason !== undefined;
  const lines = isWriteOff ? writeOffLines(about, reason) : creditNoteLines({ ...about, note: `Invoice/${change.id}` });
  const type = isWriteOff ? 'WRITE_OFF' : 'ADJUSTMENT';
  const common = { currency, businessDate: issuedOn, ...(patient !== undefined && { subject: patient }), lines };
  await postJournal(session, [{ ...entryOf(change, type), ...common, ...(reason !== undefined && { reason }) }]);
}

async function reverse(session: Session, changes: readonly Change[], businessDate: string): Promise<void> {
  for (const { id, versionId } of changes) {
    const facts = { businessDate, source: `Invoice/${id}/_history/${versionId}`, reason: 'cancelled' };
    await reverseJournal(session, { source: `Invoice/${id}` }, facts);
  }
}

/** What goes from a cancelled Invoice to an issued one in the same write stays billed. */
function setChargeStatuses(
  items: ReadonlyMap<string, ChargeItem>,
  charged: ReadonlySet<string>,
  freed: ReadonlySet<string>,
): WriteIntent[] {
  return [...items].flatMap(([id, { status }]) => {
    if (charged.has(id)) return freed.has(id) && status === 'billed' ? [] : [setChargeStatus(id, 'billed')];
    return status === 'billed' ? [setChargeStatus(id, 'billable')] : [];
  });
}

const unbillable: ReadonlySet<ChargeItem['status']> = new Set(['not-billable', 'aborted', 'entered-in-error']);

function setChargeStatus(id: string, status: 'billed' | 'billable'): WriteIntent {
  const apply = (content: Content): Content => {
    const item = content.resource as ChargeItem;
    if (status === 'billed' && unbillable.has(item.status)) {
      throw fhirError('business-rule', `A ChargeItem of this Invoice is ${item.status}: it cannot be billed.`, {
        expression: 'Invoice.lineItem',
      });
    }
    if (item.status === status) {
      throw fhirError('conflict', `A ChargeItem of this Invoice is ${status} already.`, {
        expression: 'Invoice.lineItem',
      });
    }
    return { ...content, resource: { ...item, status } };
  };
  return { action: 'patch', type: 'ChargeItem', id, apply };
}
