// What an issue will want to know, asked in the message that takes the money lock, from what the client has sent: everybody else's money waits as long (README, Decisions).

import type { Invoice } from '@medplum/fhirtypes';
import type { WriteIntent } from '../../repository/change.ts';
import { lockAhead } from '../../repository/lock-rows.ts';
import type { Lock } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { knownCredits } from '../ledger/known-balances.ts';
import { foreseeLedger } from '../ledger/known-ledger.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { taxAccount } from '../ledger/postings.ts';
import { foreseeNumbers } from '../numbers/take-numbers.ts';
import { chargeItemIdsOf, readChargeItems } from './charge-items.ts';
import { readInvoiceFacts } from './invoice-facts.ts';
import { kindOf } from './invoice-status.ts';
import { patientOf } from './issue.ts';
import { chargeKey, taxCodeOf } from './post-invoices.ts';
import { currencyOf, readStoredComponents } from './stored-lines.ts';

export function createLockIssue(settingsOf: SettingsOf): Lock['take'] {
  return (session, intents) => {
    lockMoney(session);
    foreseeIssue(session, intents);
    keepQuiet([Promise.resolve(settingsOf(session.trx))]);
  };
}

function foreseeIssue(session: Session, intents: readonly WriteIntent[]): void {
  const issues = intents.flatMap((intent) => issuedBy(intent, session));
  if (issues.length === 0) return;
  for (const { invoice, id } of issues) foreseeCharge(session, invoice, id);
  foreseeNumbers(session, 'INV');
  const chargeItemIds = [...new Set(issues.flatMap(({ invoice }) => chargeItemIdsOf(invoice)))];
  lockAhead(
    session,
    chargeItemIds.map((id) => ({ type: 'ChargeItem', id })),
  );
  const patients = [...new Set(issues.flatMap(({ invoice }) => patientOf(invoice) ?? []))];
  const ids = issues.flatMap(({ id }) => id ?? []);
  keepQuiet([readChargeItems(session, chargeItemIds), knownCredits(session, patients), readInvoiceFacts(session, ids)]);
}

/** A failure is told to whoever needs what was asked for. */
function keepQuiet(asked: readonly Promise<unknown>[]): void {
  for (const one of asked) one.catch(() => undefined);
}

interface Issued {
  readonly invoice: Invoice;
  /** Of one that is there. */
  readonly id: string | undefined;
}

/** What is not valid is refused before anything of this is needed. */
function issuedBy(intent: WriteIntent, { repository }: Session): Issued[] {
  if (intent.action !== 'update' && intent.action !== 'create') return [];
  const invoice = intent.resource as Invoice;
  if (invoice.status !== 'issued') return [];
  const issues = repository.validate(invoice, intent.exactNumbers ? { exactNumbers: intent.exactNumbers } : {});
  const isSound = issues.every(({ severity }) => severity !== 'error' && severity !== 'fatal');
  return isSound && kindOf(invoice) === 'invoice' ? [{ invoice, id: intent.id }] : [];
}

/** On whatever basis, and whatever is charged. */
const chargedAccounts = ['2400', '4000', '4010', '4020', '4030', '4090', '4100'];

function foreseeCharge(session: Session, invoice: Invoice, id: string | undefined): void {
  const currency = currencyOf(invoice);
  if (currency === undefined) return;
  const taxes = readStoredComponents(invoice, currency).filter(({ type }) => type === 'tax');
  const sub = patientOf(invoice);
  const accounts = [
    { number: '1200', ...(sub !== undefined && { sub }) },
    ...chargedAccounts.map((number) => ({ number })),
    ...taxes.map((tax) => taxAccount(taxCodeOf(tax))),
  ];
  foreseeLedger(session, {
    keys: id === undefined ? [] : [chargeKey(id)],
    accounts: accounts.map((account) => ({ ...account, currency })),
    invoices: id === undefined ? [] : [id],
  });
}
