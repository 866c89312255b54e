// Fifty at once: whatever comes first, no money is made, lost or counted twice (security.md 113, 118; contract.md 34, 36, 37, 44).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentNotice, PaymentReconciliation } from '@medplum/fhirtypes';
import {
  buildPayment,
  detailsOf,
  netAmountOf,
  referenceTo,
  type Stored,
  Till,
  today,
} from '../clinic/payments/till.ts';
import { runSql } from '../jobs/job-bed.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

const many = 50;
let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  const isBusy = (line: string) => JSON.parse(line).status === 503;
  expectNoFailure(server.logLines.filter((line) => !isBusy(line) && !line.includes('does not answer')));
  return server.close();
});
beforeEach(async () => {
  patient = await till.patient();
  invoice = await till.invoice(patient, 100);
});

const forInvoice = (amount: number) => [[referenceTo(invoice), amount]] as const;

/** A server that is busy says so, having done nothing: whoever wants something asks again. */
async function atOnce(works: readonly (() => Promise<TestResponse>)[]): Promise<TestResponse[]> {
  return await Promise.all(works.map(askUntilAnswered));
}

async function askUntilAnswered(work: () => Promise<TestResponse>): Promise<TestResponse> {
  for (;;) {
    const answer = await work();
    if (answer.status !== 503) return answer;
  }
}

const times = (count: number, work: () => Promise<TestResponse>) => Array.from({ length: count }, () => work);
const statusesOf = (answers: readonly TestResponse[]) => answers.map(({ status }) => status).sort();
const countOf = (answers: readonly TestResponse[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe('payments of one Invoice', () => {
  test('of the full amount: one takes it, the others are credit of the patient (34)', async () => {
    const answers = await atOnce(times(many, () => till.post(buildPayment(100, { details: forInvoice(100) }))));
    expect(countOf(answers, 201)).toBe(many);
    const takers = answers.filter(({ json }) => json.detail);
    expect(takers.map(({ json }) => detailsOf(json))).toEqual([[`${referenceTo(invoice)} 100`]]);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect(await till.receiptsOf(invoice)).toHaveLength(1);
    const payments = await till.search(`PaymentReconciliation?patient=${patient}&_count=100`);
    expect(payments).toHaveLength(many);
    const journals = await Promise.all(answers.map(({ json }) => till.journalsOf(referenceTo(json))));
    const texts = journals.flat();
    expect(texts.filter((text) => text.startsWith('PAYMENT'))).toHaveLength(1);
    expect(texts.filter((text) => text === `DEPOSIT, 1010 100, 2100/${patient} -100`)).toHaveLength(many - 1);
  });

  test('of a part each: they sum to the Invoice and no further, and receipt numbers have no gap', async () => {
    const answers = await atOnce(times(many, () => till.post(buildPayment(3, { details: forInvoice(3) }))));
    expect(countOf(answers, 201)).toBe(many);
    const taken = answers.flatMap(({ json }) => (json.detail ?? []).map(amountOf));
    expect(taken.reduce((sum, amount) => sum + amount, 0)).toBe(100);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    const numbers = (await till.search<PaymentNotice>('PaymentNotice?_count=1000'))
      .map(({ identifier = [] }) => Number(/\d+$/.exec(identifier[0]?.value ?? '')?.[0]))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

const amountOf = ({ amount }: NonNullable<PaymentReconciliation['detail']>[number]) => amount?.value ?? 0;

describe('refunds of one payment', () => {
  test('of the whole: one is posted, the others are 409 (118)', async () => {
    const payment = await till.paid(100, { details: forInvoice(100) });
    const refund = () => till.refund(100, referenceTo(payment), { details: forInvoice(100) });
    const answers = await atOnce(times(many, refund));
    expect([countOf(answers, 201), countOf(answers, 409)]).toEqual([1, many - 1]);
    expect(await till.stateOf(invoice)).toBe('issued pending 100');
    expect(netAmountOf(await till.read(referenceTo(payment)))).toBe(0);
  });

  test('of parts sum to what was paid and no further', async () => {
    const payment = await till.paid(150, { details: forInvoice(100) });
    const answers = await atOnce([
      ...times(25, () => till.refund(7, referenceTo(payment), { details: forInvoice(7) })),
      ...times(25, () => till.refund(6, referenceTo(payment))),
    ]);
    const posted = answers.filter(({ status }) => status === 201);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 409);
    expect(posted.filter(({ json }) => json.detail)).toHaveLength(14);
    expect(posted.filter(({ json }) => !json.detail)).toHaveLength(8);
    expect(await till.stateOf(invoice)).toBe('issued partial 98');
    expect(netAmountOf(await till.read(referenceTo(payment)))).toBe(150 - 14 * 7 - 8 * 6);
  });
});

describe('a void', () => {
  test('against refunds: either the payment is void, or it is refunded', async () => {
    for (let round = 0; round < 5; round++) {
      const payment = await till.paid(10, { details: forInvoice(10) });
      const answers = await atOnce([
        () => till.refund(10, referenceTo(payment), { details: forInvoice(10) }),
        () => till.void(payment),
        () => till.refund(10, referenceTo(payment), { details: forInvoice(10) }),
      ]);
      expect([...answers].filter(({ status }) => status === 200 || status === 201)).toHaveLength(1);
      for (const answer of answers) if (answer.status > 201) expectRefusal(answer, 409);
      expect(await till.stateOf(invoice)).toBe('issued pending 100');
    }
  });

  test('many times at once takes the payment back once', async () => {
    const payment = await till.paid(100, { details: forInvoice(100) });
    const answers = await atOnce(times(many, () => till.void(payment)));
    expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
    expect(await till.journalsOf(referenceTo(payment))).toHaveLength(2);
    expect(await till.stateOf(invoice)).toBe('issued pending 100');
  });

  test('against payments of the same Invoice leaves what both say', async () => {
    const first = await till.paid(60, { details: forInvoice(60) });
    const answers = await atOnce([
      () => till.void(first),
      ...times(20, () => till.post(buildPayment(2, { details: forInvoice(2) }))),
    ]);
    expect(countOf(answers, 201)).toBe(20);
    expect(answers[0]?.status).toBe(200);
    const taken = answers.slice(1).flatMap(({ json }) => (json.detail ?? []).map(amountOf));
    const open = 100 - taken.reduce((sum, amount) => sum + amount, 0);
    expect(await till.stateOf(invoice)).toBe(`issued partial ${open}`);
  });
});

test('a queued payment is completed once, however often it is told (37)', async () => {
  const queued = await till.paid(100, { outcome: 'queued', details: forInvoice(100) });
  const answers = await atOnce(times(many, () => till.put({ ...queued, outcome: 'complete' })));
  expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
  expect(await till.journalsOf(referenceTo(queued))).toHaveLength(1);
  expect(await till.receiptsOf(invoice)).toHaveLength(1);
});

test('of a payment that a gateway tells many times at once one is taken (37)', async () => {
  const identifier = [{ system: 'urn:gateway', value: invoice.id }];
  const told = { ...buildPayment(100, { details: forInvoice(100) }), identifier };
  const answers = await atOnce(times(many, () => till.post(told)));
  expect([countOf(answers, 201), countOf(answers, 409)]).toEqual([1, many - 1]);
  expect(await till.stateOf(invoice)).toBe('balanced paid 0');
});

test('a settlement counts every payment that is taken, and none is taken after it (44)', async () => {
  const drawer = referenceTo(await till.created({ resourceType: 'Location', status: 'active', name: 'Desk' }));
  const pay = () => till.post(buildPayment(2, { drawer, issuer: patient }));
  const settle = () =>
    server.a.request('POST', '/PaymentReconciliation/$settle-day', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'date', valueDate: today() },
        { name: 'drawer', valueReference: { reference: drawer } },
        {
          name: 'counted',
          part: [
            { name: 'method', valueCode: 'CASH' },
            { name: 'amount', valueMoney: { value: 0, currency: 'USD' } },
          ],
        },
        { name: 'approver', valueReference: { reference: approver } },
      ],
    });
  const approver = referenceTo(await till.created({ resourceType: 'Practitioner', active: true }));
  const answers = await atOnce([...times(20, pay), settle, ...times(20, pay)]);
  const settlement = answers[20]!;
  expect(settlement.status).toBe(200);
  const payments = answers.filter((answer) => answer !== settlement);
  for (const answer of payments) if (answer.status !== 201) expectRefusal(answer, 409);
  expect(settlement.json.paymentAmount.value).toBe(2 * countOf(payments, 201));
});

test('nobody of all these waited for one who waited for them', async () => {
  const sql = 'SELECT deadlocks::int AS count FROM pg_stat_database WHERE datname = current_database()';
  expect(await runSql(server.database.url, sql, [])).toEqual([{ count: 0 }]);
});
