// Whatever happens to a clinic's money, in whatever order and at the same time, its books agree: domain.md 3.5 (I6 to I9, I11, I12, I17).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Account, Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { createSettleDay } from '../../../src/clinic/payments/settle-day.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { checkBooks } from './check-books.ts';
import { MoneyClinic } from './clinic.ts';
import { buildInvoice, buildPayment, referenceTo, type Stored, today, urls, usd } from './till.ts';

let clinic: MoneyClinic;
beforeAll(async () => {
  clinic = await MoneyClinic.open();
});
afterAll(() => clinic.close());

/** What a step is about is chosen among what there is by then. */
interface Step {
  readonly kind:
    | 'issue'
    | 'pay'
    | 'deposit'
    | 'queue'
    | 'complete'
    | 'refund'
    | 'refund-credit'
    | 'void'
    | 'note'
    | 'refund-note';
  readonly patient: number;
  readonly which: number;
  readonly other: number;
  readonly cents: number;
  readonly isEarlier: boolean;
}

const kinds: readonly Step['kind'][] = [
  ...(['issue', 'issue', 'issue', 'pay', 'pay', 'pay', 'deposit', 'queue', 'complete'] as const),
  ...(['refund', 'refund', 'refund-credit', 'void', 'void', 'note', 'refund-note'] as const),
];

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  patient: fc.integer({ min: 0, max: 1 }),
  which: fc.nat(3),
  other: fc.nat(3),
  // Few amounts, so that they often are exactly what is open, and often a little more or less.
  cents: fc.constantFrom(1, 333, 1_000, 1_000, 2_000, 2_000, 3_000, 12_345),
  isEarlier: fc.boolean(),
});

class World {
  readonly invoices: Stored<Invoice>[] = [];
  readonly payments: Stored<PaymentReconciliation>[] = [];
  readonly refunds: Stored<PaymentReconciliation>[] = [];
  readonly queued: Stored<PaymentReconciliation>[] = [];
  readonly notes: Stored<Invoice>[] = [];

  /** What cannot be done is refused, and changes nothing. */
  async take(one: Step): Promise<void> {
    try {
      await this.#do(one);
    } catch (error) {
      if (!(error instanceof FhirError) || (error.status !== 409 && error.status !== 422)) throw error;
    }
  }

  async #do(one: Step): Promise<void> {
    const amount = one.cents / 100;
    const patient = `Patient/${one.patient}`;
    const invoice = pick(this.invoices, one.which);
    const payment = pick(this.payments, one.which);
    const date = one.isEarlier ? '2026-01-05' : today();
    const parts = { issuer: patient, date };
    if (one.kind === 'issue') this.invoices.push(await clinic.create(taxed(patient, amount, one.which)));
    if (one.kind === 'deposit') this.payments.push(await clinic.create(buildPayment(amount, parts)));
    if (one.kind === 'pay' && invoice) await this.#pay(one, invoice, date);
    if (one.kind === 'queue' && invoice) {
      const details = [[referenceTo(invoice), amount]] as const;
      this.queued.push(await clinic.create(buildPayment(amount, { ...parts, outcome: 'queued', details })));
    }
    if (one.kind === 'complete') await this.#complete(one);
    if (one.kind === 'refund' && payment) await this.#refundPart(payment, one);
    if (one.kind === 'refund-credit' && payment) await this.#refund(referenceTo(payment), amount, []);
    const voided = pick(one.isEarlier ? this.refunds : this.payments, one.which);
    if (one.kind === 'void' && voided) await clinic.put({ ...voided, status: 'cancelled' });
    if (one.kind === 'note' && invoice) this.notes.push(await clinic.create(noteOf(invoice, amount)));
    const note = pick(this.notes, one.which);
    if (one.kind === 'refund-note' && note) await this.#refund(referenceTo(note), amount, [], 'CASH');
  }

  /** As much as the payment had put there, or a little more or less. */
  async #refundPart(payment: Stored<PaymentReconciliation>, { other, cents }: Step): Promise<void> {
    const part = pick(payment.detail ?? [], other);
    const invoice = part?.request?.reference;
    if (invoice === undefined) return;
    const amount = other === 0 ? cents / 100 : (part?.amount?.value ?? 0);
    await this.#refund(referenceTo(payment), amount, [[invoice, amount]]);
  }

  /** Of two Invoices, with something over. */
  async #pay({ cents, other }: Step, invoice: Stored<Invoice>, date: string): Promise<void> {
    const second = pick(this.invoices, other);
    const details: (readonly [string, number])[] = [[referenceTo(invoice), cents / 100]];
    if (second && second !== invoice) details.push([referenceTo(second), (cents % 700) / 100 + 0.01]);
    const amount = details.reduce((total, [, part]) => total + Math.round(part * 100), cents % 300) / 100;
    this.payments.push(
      await clinic.create(buildPayment(amount, { details, date, method: cents % 2 ? 'CASH' : 'CCCA' })),
    );
  }

  async #complete({ which, isEarlier }: Step): Promise<void> {
    const queued = pick(this.queued, which);
    if (!queued) return;
    const done = await clinic.put({ ...queued, outcome: isEarlier ? 'error' : 'complete' });
    const isNew = done.outcome === 'complete' && !this.payments.some(({ id }) => id === done.id);
    if (isNew) this.payments.push(done);
  }

  async #refund(
    refunds: string,
    amount: number,
    details: readonly (readonly [string, number])[],
    method = '',
  ): Promise<void> {
    this.refunds.push(await clinic.create(buildPayment(amount, { type: 'refund', method, refunds, details })));
  }
}

/** One of the latest. */
function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.at(-1 - (index % Math.max(1, list.length)));
}

function taxed(patient: string, net: number, percent: number): Invoice {
  const tax = Math.round(net * percent * 7) / 100;
  const priceComponent = [
    { type: 'base' as const, amount: usd(net) },
    ...(tax > 0 ? [{ type: 'tax' as const, code: { text: 'VAT' }, amount: usd(tax) }] : []),
  ];
  const lineItem = [{ sequence: 1, chargeItemCodeableConcept: { text: 'Visit' }, priceComponent }];
  return buildInvoice(patient, net, { lineItem });
}

function noteOf(invoice: Stored<Invoice>, amount: number): Invoice {
  const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/invoice-type', code: 'credit-note' }];
  const extension = [{ url: urls.corrects, valueReference: { reference: referenceTo(invoice) } }];
  return buildInvoice(invoice.subject?.reference ?? '', -amount, { type: { coding }, extension });
}

/** Each day that money was of, whatever of it is left in the drawer. */
async function settleDays(): Promise<void> {
  const chief = { resourceType: 'Practitioner', id: 'chief' } as const;
  await clinic.write({ action: 'update', id: chief.id, resource: chief });
  const operation = createSettleDay(() => clinic.settings);
  const call = { type: 'PaymentReconciliation', id: '', versionId: '', baseUrl: '' };
  for (const date of [today(), '2026-01-05']) {
    const counted = ['CASH', 'CCCA'].map((method) => ({
      value: [
        { name: 'method', valueCode: method },
        { name: 'amount', valueMoney: usd(1) },
      ],
    }));
    const inputs = new Map<string, { value: unknown }[]>([
      ['date', [{ value: date }]],
      ['counted', counted],
      ['approver', [{ value: { reference: 'Practitioner/chief' } }]],
    ]);
    await clinic.inSession((session) => operation.run(session, { ...call, inputs }));
  }
}

test('random payments, refunds, voids and credit notes, some at the same time, leave books that agree', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3, size: 'max' }), {
        minLength: 12,
        maxLength: 18,
        size: 'max',
      }),
      async (rounds) => {
        await clinic.begin();
        const world = new World();
        for (const round of rounds) await Promise.all(round.map((one) => world.take(one)));
        for (const queued of world.queued) await clinic.put({ ...queued, status: 'cancelled' }).catch(ignoreRefusal);
        const accounts = async () => await clinic.all<Account>('Account');
        expect(checkBooks({ ...(await clinic.books()), accounts: await accounts() })).toEqual([]);
        await settleDays();
        expect(checkBooks({ ...(await clinic.books()), accounts: await accounts() })).toEqual([]);
      },
    ),
    { seed: 17, numRuns: 12 },
  );
}, 240_000);

/** What is complete stays so; a failed one cannot be cancelled. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof FhirError)) throw error;
}

describe('the check finds', () => {
  type Checked = Parameters<typeof checkBooks>[0];
  let books: Checked;
  beforeAll(async () => {
    await clinic.begin();
    const invoice = await clinic.create(buildInvoice('Patient/1', 100));
    const details = [[referenceTo(invoice), 100]] as const;
    const payment = await clinic.create(buildPayment(120, { details }));
    const refund = { type: 'refund', method: '', refunds: referenceTo(payment) };
    await clinic.create(buildPayment(30, { ...refund, details: [[referenceTo(invoice), 20]] }));
    const voided = await clinic.create(buildPayment(5, { issuer: 'Patient/1' }));
    await clinic.put({ ...voided, status: 'cancelled' });
    await settleDays();
    books = { ...(await clinic.books()), accounts: await clinic.all<Account>('Account') };
  });

  const found = (tampered: Partial<Checked>) =>
    new Set(checkBooks({ ...books, ...tampered }).map((line) => line.slice(0, line.indexOf(':'))));
  const typed = (payments: Checked['payments'], type: string) =>
    payments.findIndex(({ extension }) => JSON.stringify(extension).includes(`"${type}"`));

  test('nothing where nothing was tampered with', () => {
    expect(found({})).toEqual(new Set());
  });

  test.each(['CHARGE', 'PAYMENT', 'REFUND', 'REVERSAL'])('that a journal of type %s is missing', (type) => {
    const journals = books.journals.filter((journal) => !JSON.stringify(journal.extension).includes(`"${type}"`));
    expect(journals).toHaveLength(books.journals.length - 1);
    expect(found({ journals }).size).toBeGreaterThan(0);
  });

  test('that a journal is posted or reversed twice', () => {
    const journals = books.journals.flatMap((journal) => [journal, { ...journal, id: `${journal.id}-again` }]);
    expect(found({ journals })).toEqual(new Set(['I6', 'I8', 'I9', 'I11', 'I12']));
  });

  test('that an Invoice says another outstanding, or another status', () => {
    const [invoice] = books.invoices;
    const extension = [{ url: urls.outstanding, valueMoney: usd(1) }];
    expect(found({ invoices: [{ ...invoice!, extension }] })).toContain('I6');
    expect(found({ invoices: [{ ...invoice!, status: 'balanced' }] })).toEqual(new Set(['I7']));
  });

  test('that a payment or a refund is of another amount, or gone', () => {
    for (const type of ['payment', 'refund']) {
      const index = typed(books.payments, type);
      const other = { ...books.payments[index]!, paymentAmount: usd(500) };
      expect(found({ payments: books.payments.with(index, other) })).toContain('I8');
      expect(found({ payments: books.payments.toSpliced(index, 1) }).size).toBeGreaterThan(0);
    }
  });

  test('that a settlement expects what the drawer never had', () => {
    const index = typed(books.payments, 'settlement');
    const other = { ...books.payments[index]!, paymentAmount: usd(7) };
    expect(found({ payments: books.payments.with(index, other) })).toEqual(new Set(['I12']));
  });
});
