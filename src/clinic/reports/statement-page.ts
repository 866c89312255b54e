// A statement of account as a page to print, and as a FHIR document: https://hl7.org/fhir/R4/documents.html

import type { Bundle, Composition, Money } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { type Currency, formatAmount } from '../../fhir/money.ts';
import type { Content } from '../../repository/change.ts';
import type { Letterhead, PatientFacts } from '../documents/document-facts.ts';
import { dayText, moneyText } from '../documents/format-values.ts';
import type { Block, Page } from '../documents/page.ts';
import { sheetPage, sumsOf, tableOf } from '../documents/sheet.ts';
import { type Words, wordsOf } from '../documents/words.ts';
import { buckets } from './buckets.ts';
import type { Debt } from './outstanding.ts';
import type { Movements, StatementPeriod } from './statement-lines.ts';

export interface Statement {
  /** `Patient/x` */
  readonly patient: string;
  readonly facts: PatientFacts | undefined;
  readonly letterhead: Letterhead;
  readonly period: StatementPeriod;
  readonly today: string;
  readonly movements: Movements;
  readonly debts: readonly Debt[];
  readonly language: string;
  readonly timeZone: string;
}

/** Of one currency, as texts. */
interface Sheet {
  readonly opening: string;
  readonly rows: readonly (readonly [day: string, what: string, amount: string, balance: string])[];
  readonly closing: string;
  readonly aging: readonly (readonly [bucket: string, amount: string])[];
}

export function statementPage(statement: Statement): Page {
  const { letterhead, facts: patient, language, timeZone, today } = statement;
  const words = wordsOf(language);
  return sheetPage({
    ...{ letterhead, language, patient, title: words.statement, number: patient?.number ?? '', isDuplicate: false },
    facts: [[words.date, dayText(today, language, timeZone)]],
    content: sheetsOf(statement, words).flatMap((sheet) => blocksOf(sheet, words)),
  });
}

function blocksOf({ opening, rows, closing, aging }: Sheet, words: Words): Block[] {
  return [
    tableOf([words.date, words.item, words.amount, words.balance], [['', words.opening, '', opening], ...rows], 2),
    sumsOf([[words.closing, closing]]),
    { text: words.aging, bold: true, margin: [0, 18, 0, 6] },
    tableOf(
      aging.map(([bucket]) => bucket),
      [aging.map(([, amount]) => amount)],
      0,
    ),
  ];
}

/** The tables as narrative, for there is no resource for a statement. */
export function statementDocument(
  statement: Statement,
  { id, at }: { readonly id: string; readonly at: Date },
): Content {
  const words = wordsOf(statement.language);
  const { letterhead, patient, facts } = statement;
  const composition: Composition = {
    resourceType: 'Composition',
    id,
    language: statement.language as NonNullable<Composition['language']>,
    status: 'final',
    type: { text: words.statement },
    subject: { reference: patient, ...(facts && { display: facts.name }) },
    date: at.toISOString(),
    author: [{ display: letterhead.name === '' ? 'HPMS' : letterhead.name }],
    title: words.statement,
    section: sheetsOf(statement, words).map((sheet) => ({
      title: words.statement,
      text: { status: 'generated', div: narrativeOf(sheet, words) },
    })),
  };
  const bundle: Bundle = {
    resourceType: 'Bundle',
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` },
    type: 'document',
    timestamp: at.toISOString(),
    entry: [{ fullUrl: `urn:uuid:${id}`, resource: composition }],
  };
  return { resource: bundle };
}

function sheetsOf({ movements, debts, language, timeZone }: Statement, words: Words): Sheet[] {
  const currencies = new Set([
    ...movements.openingMinor.keys(),
    ...movements.lines.map(({ currency }) => currency),
    ...debts.map(({ currency }) => currency),
  ]);
  return [...currencies].sort().map((currency) => {
    const text = (amountMinor: bigint) => moneyText(writtenMoney(amountMinor, currency as Currency), language);
    let balanceMinor = movements.openingMinor.get(currency) ?? 0n;
    const opening = text(balanceMinor);
    const rows = movements.lines
      .filter((line) => line.currency === currency)
      .map(({ day, type, amountMinor }) => {
        balanceMinor += amountMinor;
        return [dayText(day, language, timeZone), whatOf(type, words), text(amountMinor), text(balanceMinor)] as const;
      });
    const aging = buckets.map((bucket) => {
      const own = debts.filter((debt) => debt.currency === currency && debt.bucket === bucket);
      return [bucket, text(sumOf(own.map(({ amountMinor }) => amountMinor)))] as const;
    });
    return { opening, rows, closing: text(balanceMinor), aging };
  });
}

/** By the text of its number: what a JSON number cannot hold is told as it is. */
function writtenMoney(amountMinor: bigint, currency: Currency): Money {
  return { value: formatAmount(amountMinor, currency) as unknown as number, currency };
}

function whatOf(type: string, words: Words): string {
  const names: Readonly<Record<string, string>> = {
    CHARGE: words.charge,
    PAYMENT: words.payment,
    DEPOSIT: words.payment,
    REFUND: words.refund,
    ADJUSTMENT: words.creditNote,
    REVERSAL: words.cancelled,
    WRITE_OFF: words.writtenOff,
  };
  return names[type] ?? type;
}

function narrativeOf({ opening, rows, closing, aging }: Sheet, words: Words): string {
  const row = (cells: readonly string[], tag: 'td' | 'th' = 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`;
  const table = (all: readonly string[]) => `<table>${all.join('')}</table>`;
  return `<div xmlns="http://www.w3.org/1999/xhtml">${table([
    row([words.date, words.item, words.amount, words.balance], 'th'),
    row(['', words.opening, '', opening]),
    ...rows.map((cells) => row(cells)),
    row(['', words.closing, '', closing]),
  ])}<p>${escapeXml(words.aging)}</p>${table(aging.map((cells) => row(cells)))}</div>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
