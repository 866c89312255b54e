// An Invoice or credit note as a letter to the patient (domain.md S5-40, S5-44).

import type { Invoice, InvoiceLineItem, InvoiceLineItemPriceComponent, Money } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { isCurrency, readAmount, toMoney } from '../../fhir/money.ts';
import type { Letterhead, PatientFacts } from './document-facts.ts';
import { dayText, moneyText, percentText } from './format-values.ts';
import type { Page } from './page.ts';
import { sheetPage, sumsOf, tableOf } from './sheet.ts';
import { type Words, wordsOf } from './words.ts';

export interface PageOptions {
  readonly letterhead: Letterhead;
  readonly language: string;
  readonly timeZone: string;
  readonly isDuplicate: boolean;
}

export interface InvoicePageFacts {
  readonly invoice: Invoice;
  readonly patient: PatientFacts | undefined;
  /** What each ChargeItem is, by its reference. */
  readonly chargeTexts: ReadonlyMap<string, string>;
}

const base = 'https://hpms.example/fhir';
const numberSystems: ReadonlySet<string> = new Set([`${base}/sid/invoice`, `${base}/sid/credit-note`]);

export function invoicePage(facts: InvoicePageFacts, options: PageOptions): Page {
  const { invoice, patient } = facts;
  const { letterhead, language, timeZone, isDuplicate } = options;
  const words = wordsOf(language);
  const number = numberOf(invoice);
  const title = titleOf(invoice, words);
  const lines = invoice.lineItem ?? [];
  const money = (amount: Money | undefined) => (amount ? moneyText(amount, language) : '');
  return sheetPage({
    ...{ letterhead, language, patient, title, number, isDuplicate },
    facts: [
      [words.number, number],
      [words.date, dayText(invoice.date, language, timeZone)],
      [words.due, dayText(extension(invoice, 'due-date')?.valueDate, language, timeZone)],
    ],
    content: [
      tableOf(
        [words.item, words.amount],
        lines.map((line) => [lineText(line, facts), money(lineNet(line))]),
        1,
      ),
      sumsOf([
        [words.net, money(invoice.totalNet)],
        ...(invoice.totalPriceComponent ?? [])
          .filter(({ type }) => type === 'tax')
          .map((component) => [taxText(component, words, language), money(component.amount)] as const),
        [words.total, money(invoice.totalGross)],
        ...outstandingOf(invoice, words, language),
      ]),
      ...(invoice.paymentTerms === undefined ? [] : [{ text: invoice.paymentTerms, margin: 12 }]),
    ],
  });
}

/** Empty before it is issued. */
export function numberOf({ identifier }: Invoice): string {
  return identifier?.find(({ system }) => numberSystems.has(system ?? ''))?.value ?? '';
}

function titleOf({ status, type }: Invoice, words: Words): string {
  if (status === 'cancelled' || status === 'entered-in-error') return `${words.invoice} (${words.cancelled})`;
  if (status === 'draft') return words.proforma;
  return type?.coding?.some(({ code }) => code === 'credit-note') ? words.creditNote : words.invoice;
}

function lineText(
  { chargeItemReference, chargeItemCodeableConcept }: InvoiceLineItem,
  facts: InvoicePageFacts,
): string {
  const { text, coding } = chargeItemCodeableConcept ?? {};
  return (
    facts.chargeTexts.get(chargeItemReference?.reference ?? '') ??
    text ??
    coding?.[0]?.display ??
    coding?.[0]?.code ??
    chargeItemReference?.display ??
    ''
  );
}

/** As the totals count: all components but taxes and what only informs. */
function lineNet({ priceComponent = [] }: InvoiceLineItem): Money | undefined {
  const counted = priceComponent.filter(({ type }) => type !== 'tax' && type !== 'informational');
  const currency = counted[0]?.amount?.currency;
  if (currency === undefined || !isCurrency(currency)) return undefined;
  return toMoney(sumOf(counted.map(({ amount }) => readAmount(amount?.value ?? 0, currency) ?? 0n)), currency);
}

function taxText({ code, factor }: InvoiceLineItemPriceComponent, words: Words, language: string): string {
  const name = code?.text ?? code?.coding?.[0]?.code ?? words.tax;
  return factor === undefined ? name : `${name} ${percentText(factor, language)}`;
}

function outstandingOf(invoice: Invoice, words: Words, language: string): (readonly [string, string])[] {
  const outstanding = extension(invoice, 'outstanding')?.valueMoney;
  return outstanding ? [[words.outstanding, moneyText(outstanding, language)]] : [];
}

function extension(invoice: Invoice, name: string) {
  return invoice.extension?.find(({ url }) => url === `${base}/StructureDefinition/${name}`);
}
