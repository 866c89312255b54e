// Shows the draft Invoice of a visit line by line, and sees to it that it adds up (contract.md 25, 26).

import type { ChargeItem, Invoice, InvoiceLineItem, Money, Patient } from '@medplum/fhirtypes';
import { DemoFailure } from './demo-failure.ts';
import type { FhirClient, Stored } from './fhir-client.ts';
import type { Report } from './report.ts';

type Row = readonly [what: string, amount: string, currency: string];

export async function showInvoice(
  client: FhirClient,
  invoice: Stored<Invoice>,
  patient: Stored<Patient>,
  report: Report,
): Promise<void> {
  requireSound(invoice, patient);
  const lines = await Promise.all((invoice.lineItem ?? []).map((line) => rowsOfLine(client, line)));
  report.heading(`Invoice/${invoice.id} (${invoice.status})`);
  report.table([
    ...lines.flat(),
    ['total net', ...moneyCells(invoice.totalNet)],
    ['total gross', ...moneyCells(invoice.totalGross)],
  ]);
}

function requireSound(
  { status, subject, lineItem = [], totalNet, totalGross }: Invoice,
  { id }: Stored<Patient>,
): void {
  const components = lineItem.flatMap(({ priceComponent = [] }) => priceComponent);
  const sum = sumOf(components.map(({ amount }) => amount));
  const problems = [
    [status !== 'draft', `its status is ${status}, not draft`],
    [subject?.reference !== `Patient/${id}`, 'its subject is another patient'],
    [lineItem.length === 0, 'it has no line'],
    [sum === 0, 'its lines cost nothing: no price was found'],
    [totalNet === undefined || totalGross === undefined, 'a total is missing'],
    [sum !== sumOf([totalGross]), 'its lines do not add up to totalGross'],
  ] as const;
  const found = problems.filter(([isSo]) => isSo).map(([, what]) => what);
  if (found.length > 0) throw new DemoFailure(`The Invoice is not as it should be: ${found.join('; ')}.`);
}

async function rowsOfLine(client: FhirClient, line: InvoiceLineItem): Promise<Row[]> {
  const components = (line.priceComponent ?? []).map(({ type, code, factor, amount }): Row => {
    const name = [type, code?.text, factor === undefined ? undefined : formatPercent(factor)];
    return [`    ${name.filter((part) => part !== undefined).join(' ')}`, ...moneyCells(amount)];
  });
  return [[`${line.sequence ?? ''} ${await nameOf(client, line)}`.trim(), '', ''], ...components];
}

async function nameOf(client: FhirClient, { chargeItemReference, chargeItemCodeableConcept }: InvoiceLineItem) {
  const [type, id] = chargeItemReference?.reference?.split('/') ?? [];
  if (type !== 'ChargeItem' || id === undefined) return chargeItemCodeableConcept?.text ?? 'without a ChargeItem';
  const { code, status } = await client.read<ChargeItem>('ChargeItem', id);
  return `${code?.text ?? code?.coding?.[0]?.display ?? code?.coding?.[0]?.code} (ChargeItem, ${status})`;
}

/** In hundredths; the demo clinic charges in US dollars. */
function sumOf(amounts: readonly (Money | undefined)[]): number {
  return amounts.reduce((sum, amount) => sum + Math.round((amount?.value ?? 0) * 100), 0);
}

function moneyCells(money: Money | undefined): [amount: string, currency: string] {
  if (money?.value === undefined) return ['', ''];
  return [new Intl.NumberFormat('en-US', { minimumFractionDigits: 2 }).format(money.value), money.currency ?? ''];
}

function formatPercent(factor: number): string {
  return `${Number((factor * 100).toPrecision(12))} %`;
}
