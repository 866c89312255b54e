// Numbers of resources: each once, from 1 without gaps, and there where they must be (contract.md 45).

import type { Invoice } from '@medplum/fhirtypes';
import { type Books, numberIn } from './books.ts';

type Numbered = Parameters<typeof numberIn>[0] & { readonly id: string; readonly resourceType: string };

export function* checkNumbers({ patients, appointments, invoices, receipts }: Books): Generator<string> {
  const posted = invoices.filter(wasIssued);
  yield* checkSeries('patient', patients);
  yield* checkSeries('appointment', appointments);
  yield* checkSeries(
    'invoice',
    posted.filter((one) => !isNote(one)),
  );
  yield* checkSeries('credit-note', posted.filter(isNote));
  yield* checkSeries('receipt', receipts);
  for (const invoice of invoices) {
    const series = isNote(invoice) ? 'credit-note' : 'invoice';
    if (!wasIssued(invoice) && numberIn(invoice, series))
      yield `45: Invoice/${invoice.id} is ${invoice.status} and has a number`;
  }
}

export function isNote({ type }: Invoice): boolean {
  return type?.coding?.some(({ code }) => code === 'credit-note') ?? false;
}

/** A cancelled one keeps its number only if it was issued before. */
export function wasIssued(invoice: Invoice): boolean {
  const { status } = invoice;
  const isCancelled =
    status === 'cancelled' && numberIn(invoice, isNote(invoice) ? 'credit-note' : 'invoice') !== undefined;
  return status === 'issued' || status === 'balanced' || isCancelled;
}

function* checkSeries(series: string, resources: readonly Numbered[]): Generator<string> {
  const numbers: { readonly prefix: string; readonly number: number }[] = [];
  for (const resource of resources) {
    const text = numberIn(resource, series);
    const [, prefix = '', digits = ''] = /^(.*?)(\d+)$/.exec(text ?? '') ?? [];
    if (digits === '') yield `45: ${resource.resourceType}/${resource.id} has no number of the series ${series}`;
    else numbers.push({ prefix, number: Number(digits) });
  }
  for (const [prefix, ofOne] of Map.groupBy(numbers, (one) => one.prefix)) {
    const sorted = ofOne.map(({ number }) => number).sort((a, b) => a - b);
    const wrong = sorted.findIndex((number, index) => number !== index + 1);
    if (wrong >= 0)
      yield `45: of the series ${series} ${prefix}${wrong + 1} is missing, ${prefix}${sorted[wrong]} is there`;
  }
}
