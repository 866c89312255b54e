// What Invoices say of what is outstanding is what the ledger says (I6, I7, I11, I14).

import type { Invoice, Money } from '@medplum/fhirtypes';
import { sumOf } from '../../../fhir/decimal.ts';
import { isCurrency, readAmount } from '../../../fhir/money.ts';
import type { Session } from '../../../repository/session.ts';
import { extensionUrls } from '../canonicals.ts';
import { type InvoiceBalance, readInvoiceBalances } from '../invoice-balances.ts';
import { LedgerDifference, type Progress, requireEqual } from './difference.ts';
import { walkResources } from './walk-resources.ts';

type StoredInvoice = Invoice & { readonly id: string };

export async function checkInvoiceResources(session: Session, progress: Progress): Promise<void> {
  await walkResources<Invoice>(session, 'Invoice', progress, async (invoices) => {
    // Money of another system has no outstanding, and neither has a draft: contract.md 28, 50.
    const charged = invoices.filter((invoice) => outstandingOf(invoice) !== undefined && isPosted(invoice));
    const ids = charged.map(({ id }) => id);
    const [balances, taxes] = await Promise.all([readInvoiceBalances(session, ids), readChargedTax(session, ids)]);
    for (const invoice of charged) compare(invoice, balances.get(invoice.id), taxes.get(invoice.id) ?? 0n);
  });
  await requireNoneMissing(session);
}

function isPosted({ status }: Invoice): boolean {
  return status === 'issued' || status === 'balanced';
}

function outstandingOf({ extension = [] }: Invoice): Money | undefined {
  return extension.find(({ url }) => url === extensionUrls.outstanding)?.valueMoney;
}

function compare(invoice: StoredInvoice, balance: InvoiceBalance | undefined, taxMinor: bigint): void {
  const { id, status, totalGross, totalPriceComponent = [] } = invoice;
  if (!balance) throw new LedgerDifference('I11', `Invoice/${id} is ${status} and was never charged.`);
  const { outstandingMinor, grossMinor } = balance;
  requireEqual('I6', `What Invoice/${id} says is outstanding`, minorOf(outstandingOf(invoice)), outstandingMinor);
  requireEqual('I6', `The gross of Invoice/${id}`, minorOf(totalGross), grossMinor);
  requireEqual('I7', `Whether Invoice/${id} is balanced`, status === 'balanced', outstandingMinor === 0n);
  const taxes = totalPriceComponent.filter(({ type }) => type === 'tax').map(({ amount }) => minorOf(amount) ?? 0n);
  requireEqual('I14', `The tax of Invoice/${id}`, sumOf(taxes), taxMinor);
}

export function minorOf(money: Money | undefined): bigint | undefined {
  const { value, currency } = money ?? {};
  return value === undefined || currency === undefined || !isCurrency(currency)
    ? undefined
    : readAmount(value, currency);
}

async function readChargedTax({ trx }: Session, ids: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await trx.query<{ id: string; tax: string }>({
    name: 'charged-tax',
    text: `SELECT entry.invoice_id AS id, (-sum(entry.amount_minor))::text AS tax
           FROM ledger_entry entry
           JOIN ledger_account account ON account.account_id = entry.account_id
           JOIN ledger_transaction journal ON journal.id = entry.transaction_id
           WHERE entry.invoice_id = ANY ($1::text[]) AND entry.invoice_id <> '' AND account.number = '2200'
             AND journal.type = 'CHARGE'
           GROUP BY entry.invoice_id`,
    values: [ids],
  });
  return new Map(rows.map(({ id, tax }) => [id, BigInt(tax)]));
}

const perStep = 5_000;

async function requireNoneMissing({ trx }: Session): Promise<void> {
  for (let last = ''; ; ) {
    const rows: { id: string; isThere: boolean }[] = await trx.query({
      name: 'charged-invoices-there',
      text: `SELECT invoice_id AS id, EXISTS (
               SELECT FROM resource WHERE type = 'Invoice' AND resource.id = invoice_id AND NOT deleted) AS "isThere"
             FROM ledger_invoice WHERE invoice_id > $1 AND gross_minor > 0 ORDER BY invoice_id LIMIT ${perStep}`,
      values: [last],
    });
    const missing = rows.find(({ isThere }) => !isThere);
    if (missing) throw new LedgerDifference('I11', `Invoice/${missing.id} was charged and is not there.`);
    if (rows.length < perStep) return;
    last = rows.at(-1)?.id ?? last;
  }
}
