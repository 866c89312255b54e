// Taking money: allocations, credit, receipts, business dates, imports (contract.md 31 to 35, 38, 40, 50; domain.md S2-UC-03, S4-WF4).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import {
  buildInvoice,
  buildPayment,
  detailsOf,
  referenceTo,
  type Stored,
  Till,
  urls,
  usd,
} from '../clinic/payments/till.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
beforeEach(async () => {
  patient = await till.patient();
  invoice = await till.invoice(patient, 120);
});

const forInvoice = (amount: number) => [[referenceTo(invoice), amount]] as const;

describe('a payment of the whole Invoice (31, UC-03)', () => {
  test('settles it: balanced, receipt, revenue, in one transaction', async () => {
    const payment = await till.paid(120, { issuer: patient, details: forInvoice(120) });
    expect(payment.meta?.versionId).toBe('1');
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect(await till.journalsOf(referenceTo(payment))).toEqual([
      `PAYMENT, 1010 120, 1200/${patient} -120, 2400 120, 4000 -120`,
    ]);
    expect(await till.receiptsOf(invoice)).toMatchObject([
      { status: 'active', payment: { reference: referenceTo(payment) }, amount: usd(120) },
    ]);
  });

  test.each([
    ['CCCA', '1020'],
    ['DEBC', '1020'],
    ['UPI', '1030'],
    ['wallet', '1030'],
    ['DDPO', '1040'],
    ['CHCK', '1050'],
  ])('by %s is on account %s (32)', async (method, account) => {
    const payment = await till.paid(120, { method, details: forInvoice(120) });
    const [journal] = await till.journalsOf(referenceTo(payment));
    expect(journal).toContain(`${account} 120`);
  });

  test('in cash is on the account of its drawer', async () => {
    const drawer = referenceTo(await till.created({ resourceType: 'Location', status: 'active', name: 'Desk 2' }));
    const payment = await till.paid(120, { drawer, details: forInvoice(120) });
    expect((await till.journalsOf(referenceTo(payment)))[0]).toContain(`1010/${drawer} 120`);
  });

  test('keeps what was tendered and returned (31)', async () => {
    const extensions = [
      { url: urls.tendered, valueMoney: usd(150) },
      { url: urls.returned, valueMoney: usd(30) },
    ];
    const payment = await till.paid(120, { details: forInvoice(120), extensions });
    expect(payment.extension).toEqual(expect.arrayContaining(extensions));
    const wrong = buildPayment(110, { details: forInvoice(110), extensions });
    expectRefusal(await till.post(wrong), 422);
  });
});

describe('a payment of a part', () => {
  test('leaves the rest outstanding, and the last takes all that is left (34, WF4)', async () => {
    await till.paid(50, { details: forInvoice(50) });
    expect(await till.stateOf(invoice)).toBe('issued partial 70');
    await till.paid(30.25, { method: 'CCCA', details: forInvoice(30.25) });
    expect(await till.stateOf(invoice)).toBe('issued partial 39.75');
    await till.paid(39.75, { method: 'UPI', details: forInvoice(39.75) });
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect(await till.receiptsOf(invoice)).toHaveLength(3);
  });

  test('of several Invoices settles each by its part, with a receipt each', async () => {
    const other = await till.invoice(patient, 80);
    await till.paid(150, { details: [...forInvoice(100), [referenceTo(other), 50]] });
    expect([await till.stateOf(invoice), await till.stateOf(other)]).toEqual([
      'issued partial 20',
      'issued partial 30',
    ]);
    expect([...(await till.receiptsOf(invoice)), ...(await till.receiptsOf(other))]).toHaveLength(2);
  });
});

describe('what no Invoice takes is credit (34)', () => {
  test('the amount above its parts', async () => {
    const payment = await till.paid(150, { details: forInvoice(120) });
    expect((await till.journalsOf(referenceTo(payment)))[0]).toContain(`2100/${patient} -30`);
    expect(detailsOf(payment)).toEqual([`${referenceTo(invoice)} 120`]);
  });

  test('a part above the outstanding, which is cut to it', async () => {
    const { json, text } = await till.post(buildPayment(150, { details: forInvoice(150) }));
    expect(detailsOf(json)).toEqual([`${referenceTo(invoice)} 120`]);
    expect(text).toContain('"amount":{"value":120.00,"currency":"USD"}');
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });

  test('all of it where the Invoice is paid already; the patient it is of is told', async () => {
    await till.paid(120, { details: forInvoice(120) });
    const second = await till.paid(120, { details: forInvoice(120) });
    expect(second).not.toHaveProperty('detail');
    expect(second.extension).toContainEqual({ url: urls.issuer, valueReference: { reference: patient } });
    expect(await till.journalsOf(referenceTo(second))).toEqual([`DEPOSIT, 1010 120, 2100/${patient} -120`]);
    expect(await till.receiptsOf(invoice)).toHaveLength(1);
  });

  test('a deposit without any part, which needs a patient (33, 35)', async () => {
    const payment = await till.paid(20, { type: 'advance', issuer: patient });
    expect(await till.journalsOf(referenceTo(payment))).toEqual([`DEPOSIT, 1010 20, 2100/${patient} -20`]);
    expectRefusal(await till.post(buildPayment(20, { type: 'advance' })), 422);
    expectRefusal(await till.post(buildPayment(20, { issuer: 'Organization/1' })), 422);
  });

  test('a copay of an Appointment is of its patient (33, 35)', async () => {
    const appointment = await till.created({
      resourceType: 'Appointment',
      status: 'booked',
      start: '2027-01-04T09:00:00Z',
      end: '2027-01-04T09:30:00Z',
      participant: [{ actor: { reference: patient }, status: 'accepted' }],
    });
    const details = [[referenceTo(appointment), 15]] as const;
    const payment = await till.paid(15, { type: 'copay', details });
    expect(await till.journalsOf(referenceTo(payment))).toEqual([`DEPOSIT, 1010 15, 2100/${patient} -15`]);
    expect(detailsOf(payment)).toEqual([`${referenceTo(appointment)} 15`]);
  });

  test('is of nobody who has declined to come', async () => {
    const participant = [
      { actor: { reference: await till.patient() }, status: 'declined' as const },
      { actor: { reference: patient }, status: 'accepted' as const },
    ];
    const visit = { status: 'booked', start: '2027-01-04T10:00:00Z', end: '2027-01-04T10:30:00Z' } as const;
    const appointment = await till.created({ resourceType: 'Appointment', ...visit, participant });
    const payment = await till.paid(15, { type: 'copay', details: [[referenceTo(appointment), 15]] });
    expect(await till.journalsOf(referenceTo(payment))).toEqual([`DEPOSIT, 1010 15, 2100/${patient} -15`]);
  });
});

describe('the patient of a payment (33)', () => {
  test('may be another one than that of the Invoice: a relative pays, and keeps the rest', async () => {
    const relative = await till.patient();
    const payment = await till.paid(130, { issuer: relative, details: forInvoice(120) });
    expect((await till.journalsOf(referenceTo(payment)))[0]).toBe(
      `PAYMENT, 1010 130, 1200/${patient} -120, 2100/${relative} -10, 2400 120, 4000 -120`,
    );
  });

  test('is the one of the Invoice where an organization pays', async () => {
    const payment = await till.paid(130, { issuer: 'Organization/1', details: forInvoice(120) });
    expect((await till.journalsOf(referenceTo(payment)))[0]).toContain(`2100/${patient} -10`);
    expect(payment.extension).toContainEqual({ url: urls.issuer, valueReference: { reference: 'Organization/1' } });
  });
});

describe('refused, with nothing posted, is', () => {
  const refusedPayment = async (payment: PaymentReconciliation, statuses: number | readonly number[]) => {
    expectRefusal(await till.post(payment), statuses);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
    expect(await till.search(`PaymentReconciliation?allocation=${referenceTo(invoice)}`)).toEqual([]);
  };

  test.each([0, -120, 0.001, 1e-9, 1e30])('an amount of %d (32, security.md 111)', async (amount) => {
    await refusedPayment(buildPayment(amount, { details: forInvoice(1) }), [400, 422]);
  });

  test.each(['"1,00"', 'NaN', '"120"', '1e400'])('an amount that is %s (4)', async (text) => {
    const body = JSON.stringify(buildPayment(120, { details: forInvoice(120) })).replaceAll(
      '"value":120',
      `"value":${text}`,
    );
    const { status } = await server.a.request('POST', '/PaymentReconciliation', body);
    expect([400, 422]).toContain(status);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
  });

  test('parts that are more than the amount (34)', async () => {
    await refusedPayment(buildPayment(100, { details: forInvoice(120) }), 422);
  });

  test('another currency than that of the Invoice, and credit in another than the clinic’s', async () => {
    const euro = { value: 120, currency: 'EUR' as const };
    const payment = buildPayment(120, { details: forInvoice(120) });
    const detail = payment.detail!.map((part) => ({ ...part, amount: euro }));
    await refusedPayment({ ...payment, paymentAmount: euro, detail }, 422);
    expectRefusal(await till.post({ ...buildPayment(120, { issuer: patient }), paymentAmount: euro }), 422);
  });

  test('a payment of a draft, cancelled or missing Invoice, or of a credit note (34)', async () => {
    const draft = await till.created(buildInvoice(patient, 10, { status: 'draft' }));
    const cancelled = await till.invoice(patient, 10);
    const cancellation = { ...cancelled, status: 'cancelled', cancelledReason: 'typed twice' };
    expect((await server.a.request('PUT', `/${referenceTo(cancelled)}`, cancellation)).status).toBe(200);
    for (const target of [referenceTo(draft), referenceTo(cancelled), 'Invoice/none']) {
      expectRefusal(await till.post(buildPayment(10, { issuer: patient, details: [[target, 10]] })), [409, 422]);
    }
  });

  test('a payment of another tenant’s Invoice, in the same words as of none', async () => {
    const other = new Till(server.b);
    const hidden = await other.invoice(await other.patient(), 50);
    const answers: TestResponse[] = [];
    for (const target of [referenceTo(hidden), 'Invoice/none']) {
      answers.push(await till.post(buildPayment(50, { issuer: patient, details: [[target, 50]] })));
    }
    for (const answer of answers) expectRefusal(answer, 422);
    expect(answers[0]?.text).toBe(answers[1]?.text);
    expect(await other.stateOf(hidden)).toBe('issued pending 50');
  });

  test('an imported Invoice, for which nothing is owed here (50)', async () => {
    const { lineItem: _, ...foreign } = buildInvoice(patient, 10);
    const imported = await till.created(foreign as Invoice);
    expectRefusal(await till.post(buildPayment(10, { details: [[referenceTo(imported), 10]] })), 409);
  });

  test('a card number', async () => {
    const payment = buildPayment(120, { details: forInvoice(120) });
    await refusedPayment({ ...payment, disposition: 'card 4111 1111 1111 1111' }, 422);
  });

  test('money of tomorrow (38), a settlement that no drawer was counted for, a Claim', async () => {
    const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    await refusedPayment(buildPayment(120, { date: tomorrow, details: forInvoice(120) }), 422);
    await refusedPayment(buildPayment(120, { type: 'settlement', details: forInvoice(120) }), 422);
    expectRefusal(await till.post(buildPayment(10, { issuer: patient, details: [['Claim/1', 10]] })), 422);
  });
});

test.each(['2026-02-30', '0000-01-01', '2026-13-01', '2026'])('the date %s is refused', async (date) => {
  expectRefusal(await till.post(buildPayment(10, { date, issuer: patient })), [400, 422]);
});

test('a payment may be of an earlier day, which its journal is of (38)', async () => {
  const payment = await till.paid(120, { date: '2026-01-05', details: forInvoice(120) });
  expect(await till.search(`Basic?ledger-source=${referenceTo(payment)}`)).toMatchObject([{ created: '2026-01-05' }]);
});

describe('search (40)', () => {
  test('finds payments by patient, allocation, method, type, identifier and what they refund', async () => {
    const identifier = [{ system: 'urn:gateway', value: `tx-${invoice.id}` }];
    const payment = await till.created({
      ...buildPayment(120, { issuer: patient, method: 'UPI', type: 'copay', details: forInvoice(120) }),
      identifier,
    });
    const refund = (await till.refund(20, referenceTo(payment), { details: forInvoice(20) })).json;
    const idsOf = async (query: string) => (await till.search(`PaymentReconciliation?${query}`)).map(({ id }) => id);
    expect(await idsOf(`patient=${patient}`)).toEqual([payment.id]);
    expect((await idsOf(`allocation=${referenceTo(invoice)}`)).sort()).toEqual([payment.id, refund.id].sort());
    expect(await idsOf(`method=UPI&patient=${patient}`)).toEqual([payment.id]);
    expect(await idsOf(`method=CASH&patient=${patient}`)).toEqual([]);
    expect(await idsOf(`payment-type=copay&patient=${patient}`)).toEqual([payment.id]);
    expect(await idsOf(`refunds=${referenceTo(payment)}`)).toEqual([refund.id]);
    expect(await idsOf(`identifier=urn:gateway|tx-${invoice.id}`)).toEqual([payment.id]);
  });
});

describe('a PaymentReconciliation of another system, without type (50)', () => {
  const { extension: _, ...foreign } = buildPayment(0);

  test('is stored as sent, posts nothing, and may be changed and deleted', async () => {
    const stored = await till.created({ ...foreign, paymentDate: '2014-08', outcome: 'partial' });
    expect(stored).toMatchObject({ ...foreign, paymentDate: '2014-08', outcome: 'partial' });
    expect(await till.journalsOf(referenceTo(stored))).toEqual([]);
    expect((await till.put({ ...stored, paymentAmount: usd(-5) })).status).toBe(200);
    expect((await server.a.request('DELETE', `/${referenceTo(stored)}`)).status).toBe(204);
  });

  test('becomes money of this clinic once it says what it is', async () => {
    const stored = await till.created(foreign);
    const payment = buildPayment(120, { details: forInvoice(120) });
    expect((await till.put({ ...payment, id: stored.id })).status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect(await till.journalsOf(referenceTo(stored))).toHaveLength(1);
  });
});

test('a draft posts nothing and may change until it is active', async () => {
  const draft = await till.created({ ...buildPayment(120, { details: forInvoice(120) }), status: 'draft' });
  expect((await till.put({ ...draft, paymentAmount: usd(130) })).status).toBe(200);
  expect(await till.stateOf(invoice)).toBe('issued pending 120');
  expect((await till.put({ ...draft, status: 'active' })).status).toBe(200);
  expect(await till.stateOf(invoice)).toBe('balanced paid 0');
});

test('what is left of a payment is not the client’s to say', async () => {
  const extensions = [{ url: urls.netAmount, valueMoney: usd(1) }];
  const payment = await till.paid(120, { details: forInvoice(120), extensions });
  expect(payment.extension?.map(({ url }) => url)).not.toContain(urls.netAmount);
});
