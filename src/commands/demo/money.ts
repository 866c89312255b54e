// From the draft Invoice to a settled day: issue, cash, receipt, settlement of a till of this run's own, trial balance (domain.md UC-03).

import { randomUUID } from 'node:crypto';
import type {
  Extension,
  Invoice,
  Location,
  Money,
  Parameters,
  ParametersParameter,
  PaymentNotice,
  PaymentReconciliation,
} from '@medplum/fhirtypes';
import { DemoFailure } from './demo-failure.ts';
import type { FhirClient, Stored } from './fhir-client.ts';
import type { Report, StepResult } from './report.ts';

const house = 'https://hpms.example/fhir';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';
const paymentTypes = 'http://terminology.hl7.org/CodeSystem/payment-type';
const methods = 'http://terminology.hl7.org/CodeSystem/v2-0570';

/** Fixes the number and posts the charge. */
export async function issueInvoice(client: FhirClient, invoice: Stored<Invoice>): Promise<StepResult<Stored<Invoice>>> {
  const body = JSON.stringify({ ...invoice, status: 'issued' });
  const issued = parse<Invoice>(await client.send('PUT', `Invoice/${invoice.id}`, { body }));
  const number = issued.identifier?.find(({ system }) => system === `${house}/sid/invoice`)?.value;
  const due = moneyExtension(issued.extension, `${house}/StructureDefinition/outstanding`);
  if (number === undefined) throw new DemoFailure('The issued Invoice has no number.');
  return { value: issued, detail: `${number}, ${textOf(due)} outstanding` };
}

/** A till that nobody else uses, so that every run can settle its own day. */
export async function openTill(client: FhirClient): Promise<StepResult<Stored<Location>>> {
  const till: Location = { resourceType: 'Location', status: 'active', name: `Demo till ${randomUUID().slice(0, 8)}` };
  const stored = parse<Location>(await client.send('POST', 'Location', { body: JSON.stringify(till) }));
  return { value: stored, detail: `Location/${stored.id}` };
}

/** In one note more than is due, so that there is change to give. */
export async function payCash(
  client: FhirClient,
  invoice: Stored<Invoice>,
  till: Stored<Location>,
): Promise<StepResult<Stored<PaymentReconciliation>>> {
  const due = moneyExtension(invoice.extension, `${house}/StructureDefinition/outstanding`);
  const value = due?.value ?? 0;
  const tendered = (Math.floor(value / 50) + 1) * 50;
  const money = (amount: number): Money => ({ ...due, value: Math.round(amount * 100) / 100 });
  const today = new Date().toISOString().slice(0, 10);
  const payment: PaymentReconciliation = {
    resourceType: 'PaymentReconciliation',
    status: 'active',
    outcome: 'complete',
    created: new Date().toISOString(),
    paymentDate: today,
    paymentAmount: money(value),
    extension: [
      { url: `${r5}.type`, valueCodeableConcept: { coding: [{ system: paymentTypes, code: 'payment' }] } },
      { url: `${r5}.method`, valueCodeableConcept: { coding: [{ system: methods, code: 'CASH' }] } },
      { url: `${r5}.tenderedAmount`, valueMoney: money(tendered) },
      { url: `${r5}.returnedAmount`, valueMoney: money(tendered - value) },
      { url: `${house}/StructureDefinition/drawer`, valueReference: { reference: `Location/${till.id}` } },
    ],
    detail: [
      {
        type: { coding: [{ system: paymentTypes, code: 'payment' }] },
        request: { reference: `Invoice/${invoice.id}` },
        amount: money(value),
      },
    ],
  };
  const answer = await client.send('POST', 'PaymentReconciliation', { body: JSON.stringify(payment) });
  const stored = parse<PaymentReconciliation>(answer);
  return { value: stored, detail: `${textOf(money(value))} of ${textOf(money(tendered))} in cash` };
}

/** The Invoice is balanced by the system, and there is a receipt for it. */
export async function awaitReceipt(client: FhirClient, invoice: Stored<Invoice>): Promise<StepResult<undefined>> {
  const paid = await client.read<Invoice>('Invoice', invoice.id);
  if (paid.status !== 'balanced') throw new DemoFailure(`The paid Invoice is ${paid.status}, not balanced.`);
  const [receipt] = await client.search<PaymentNotice>('PaymentNotice', [['request', `Invoice/${invoice.id}`]]);
  const number = receipt?.identifier?.[0]?.value;
  if (number === undefined) throw new DemoFailure('The payment has no receipt.');
  return { value: undefined, detail: `${number}, Invoice/${invoice.id} ${paid.status}` };
}

/** Counts what the till should hold. */
export async function settleDay(
  client: FhirClient,
  payment: Stored<PaymentReconciliation>,
  till: Stored<Location>,
): Promise<StepResult<undefined>> {
  const parameters: Parameters = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'date', valueDate: payment.paymentDate as string },
      { name: 'drawer', valueReference: { reference: `Location/${till.id}` } },
      {
        name: 'counted',
        part: [
          { name: 'method', valueCode: 'CASH' },
          { name: 'amount', valueMoney: payment.paymentAmount as Money },
        ],
      },
    ],
  };
  const path = 'PaymentReconciliation/$settle-day';
  const answer = await client.send('POST', path, { body: JSON.stringify(parameters) });
  const { detail = [], paymentAmount } = parse<PaymentReconciliation>(answer);
  const variance = detail.map(
    ({ extension }) => moneyExtension(extension, `${house}/StructureDefinition/variance`)?.value,
  );
  if (variance.some((value) => value !== 0)) throw new DemoFailure('The till holds not what it should.');
  return { value: undefined, detail: `${textOf(paymentAmount)} expected and counted` };
}

/** Throws unless debits and credits are equal. */
export async function showTrialBalance(client: FhirClient, report: Report): Promise<void> {
  const { parameter = [] } = parse<Parameters>(await client.send('GET', 'Account/$trial-balance'));
  const rows = parameter.filter(({ name }) => name === 'account').map(({ part = [] }) => rowOf(part));
  const totals = parameter.filter(({ name }) => name === 'total');
  report.heading('Trial balance of the clinic');
  report.table([['account', 'debit', 'credit'], ...rows, ...totals.map(({ part = [] }) => rowOf(part, 'total'))]);
  for (const { part = [] } of totals) {
    const [debit, credit] = ['debit', 'credit'].map((name) => moneyPart(part, name)?.value);
    if (debit !== credit) throw new DemoFailure(`The ledger is not balanced: ${debit} and ${credit}.`);
  }
}

function rowOf(part: readonly ParametersParameter[], name?: string): readonly string[] {
  const number = part.find((one) => one.name === 'number')?.valueCode ?? '';
  return [name ?? number, ...['debit', 'credit'].map((side) => amountText(moneyPart(part, side)))];
}

function moneyPart(part: readonly ParametersParameter[], name: string): Money | undefined {
  return part.find((one) => one.name === name)?.valueMoney;
}

function moneyExtension(extensions: readonly Extension[] = [], url: string): Money | undefined {
  return extensions.find((extension) => extension.url === url)?.valueMoney;
}

function textOf(money: Money | undefined): string {
  return `${amountText(money)} ${money?.currency ?? ''}`;
}

const amounts = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2 });

function amountText(money: Money | undefined): string {
  return money?.value === undefined ? '' : amounts.format(money.value);
}

function parse<T>({ text }: { readonly text: string }): T & { readonly id: string } {
  return JSON.parse(text) as T & { readonly id: string };
}
