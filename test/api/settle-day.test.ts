// The settlement of a drawer's day: expected against counted, over and short, and the day closed (contract.md 38, 44; domain.md SM-10, I12).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, ParametersParameter, PaymentReconciliation } from '@medplum/fhirtypes';
import { buildPayment, referenceTo, type Stored, Till, today, urls, usd } from '../clinic/payments/till.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { clientOf } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;
let drawer: string;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
  patient = await till.patient();
  invoice = await till.invoice(patient, 10_000);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
beforeEach(async () => {
  drawer = referenceTo(await till.created({ resourceType: 'Location', status: 'active', name: 'Desk' }));
});

interface Call {
  readonly date?: string;
  readonly drawer?: string;
  readonly counted?: Readonly<Record<string, number>>;
  readonly preview?: boolean;
  readonly approver?: string;
  readonly note?: string;
}

async function settle(call: Call, request = server.a.request): Promise<TestResponse> {
  const { date = today(), drawer: place, counted = {}, preview, approver, note } = call;
  const parameter: ParametersParameter[] = [
    { name: 'date', valueDate: date },
    ...(place === undefined ? [] : [{ name: 'drawer', valueReference: { reference: place } }]),
    ...Object.entries(counted).map(([method, amount]) => ({
      name: 'counted',
      part: [
        { name: 'method', valueCode: method },
        { name: 'amount', valueMoney: usd(amount) },
      ],
    })),
    ...(preview === undefined ? [] : [{ name: 'preview', valueBoolean: preview }]),
    ...(approver === undefined ? [] : [{ name: 'approver', valueReference: { reference: approver } }]),
    ...(note === undefined ? [] : [{ name: 'note', valueString: note }]),
  ];
  return await request('POST', '/PaymentReconciliation/$settle-day', { resourceType: 'Parameters', parameter });
}

const pay = (amount: number, parts = {}) =>
  till.paid(amount, { drawer, issuer: patient, details: [[referenceTo(invoice), amount]], ...parts });
const moneyIn = (element: { extension?: PaymentReconciliation['extension'] }, url: string) =>
  element.extension?.find((one) => one.url === url)?.valueMoney?.value;
/** `CASH expected counted variance` */
const linesOf = ({ detail = [] }: PaymentReconciliation) =>
  detail.map((line) =>
    [line.type.coding?.[0]?.code, line.amount?.value, moneyIn(line, urls.counted), moneyIn(line, urls.variance)].join(
      ' ',
    ),
  );

describe('a settlement (44)', () => {
  test('expects what payments less refunds have brought, by method, and is stored', async () => {
    const cash = await pay(120);
    await pay(80.5, { method: 'CCCA' });
    await pay(30, { drawer: undefined });
    const voided = await pay(7);
    await till.void(voided);
    const back = { drawer, details: [[referenceTo(invoice), 20]] as const };
    expect((await till.refund(20, referenceTo(cash), back)).status).toBe(201);
    const answer = await settle({ drawer, counted: { CASH: 100, CCCA: 80.5 }, note: 'All there.' });
    expect(answer.status).toBe(200);
    expect(linesOf(answer.json)).toEqual(['CASH 100 100 0', 'CCCA 80.5 80.5 0']);
    expect(answer.json).toMatchObject({
      status: 'active',
      period: { start: today(), end: today() },
      paymentAmount: usd(180.5),
      processNote: [{ text: 'All there.' }],
    });
    expect(answer.json.extension).toContainEqual({ url: urls.drawer, valueReference: { reference: drawer } });
    expect(await till.read(referenceTo(answer.json))).toEqual(answer.json);
    expect(await till.journalsOf(referenceTo(answer.json))).toEqual([]);
    const found = await till.search(`PaymentReconciliation?payment-type=settlement&_count=100`);
    expect(found.map(({ id }) => id)).toContain(answer.json.id);
  });

  test('posts what is over and short', async () => {
    await pay(100);
    await pay(50, { method: 'UPI' });
    const { json } = await settle({ drawer, counted: { CASH: 95, UPI: 60 } });
    expect(linesOf(json)).toEqual(['CASH 100 95 -5', 'UPI 50 60 10']);
    expect(await till.journalsOf(referenceTo(json))).toEqual([
      `OVER_SHORT, 1010/${drawer} -5, 1030 10, 6020 -10, 6020 5`,
    ]);
  });

  test('of a drawer that took nothing closes the day all the same', async () => {
    const { status, json } = await settle({ drawer });
    expect([status, linesOf(json)]).toEqual([200, ['CASH 0 0 0']]);
    expectRefusal(await till.post(buildPayment(1, { drawer, issuer: patient })), 409);
  });

  test('more refunds than payments are expected as a negative amount', async () => {
    const paid = await pay(40, { date: '2026-02-01' });
    const details = [[referenceTo(invoice), 40]] as const;
    expect((await till.refund(40, referenceTo(paid), { drawer, details })).status).toBe(201);
    const { status, json } = await settle({ drawer, counted: { CASH: 0 }, approver: await practitioner() });
    expect([status, linesOf(json)]).toEqual([200, ['CASH -40 0 40']]);
  });
});

const practitioner = async () => referenceTo(await till.created({ resourceType: 'Practitioner', active: true }));

describe('the drawer of payments that name none', () => {
  test('is the main drawer, which settlements show as a Location', async () => {
    const other = new Till(server.b);
    const someone = await other.patient();
    await other.paid(25, { issuer: someone });
    const first = await settle({ counted: { CASH: 25 } }, server.b.request);
    expect([first.status, linesOf(first.json)]).toEqual([200, ['CASH 25 25 0']]);
    const main = 'Location/main-drawer';
    expect(first.json.extension).toContainEqual({ url: urls.drawer, valueReference: { reference: main } });
    expect(await other.read(main)).toMatchObject({ status: 'active' });
    expectRefusal(await other.post(buildPayment(1, { issuer: someone })), 409);
    expectRefusal(await other.post(buildPayment(1, { issuer: someone, drawer: main })), 409);
    expectRefusal(await settle({ drawer: main, counted: { CASH: 25 } }, server.b.request), 409);
    expect((await settle({ date: '2026-01-01' }, server.b.request)).status).toBe(200);
  });
});

describe('a preview', () => {
  test('shows what is expected, and stores, posts and closes nothing', async () => {
    await pay(100);
    await pay(10, { outcome: 'queued' });
    const { json } = await settle({ drawer, preview: true });
    expect(json).not.toHaveProperty('id');
    expect([json.status, linesOf(json)]).toEqual(['draft', ['CASH 100  ']]);
    const counted = await settle({ drawer, preview: true, counted: { CASH: 1 } });
    expect(linesOf(counted.json)).toEqual(['CASH 100 1 -99']);
    await pay(1);
    expect(linesOf((await settle({ drawer, preview: true })).json)).toEqual(['CASH 101  ']);
  });
});

describe('a cashier counts blind (domain.md 6)', () => {
  test('so no preview says what is expected, nor how far a count is from it; billing is told', async () => {
    await pay(123.45);
    await pay(5, { method: 'CCCA' });
    const cashier = await clientOf(server, server.a, '', ['cashier']);
    for (const counted of [{}, { CASH: 1 }]) {
      const { status, json, text } = await settle({ drawer, preview: true, counted }, cashier.request);
      expect([status, json.status]).toEqual([200, 'draft']);
      expect(json.paymentAmount).not.toHaveProperty('value');
      expect(JSON.stringify(json.paymentAmount)).toContain('masked');
      expect(text).not.toMatch(/123\.45|122\.45|128\.45/);
      expect(linesOf(json)).toEqual([`CASH  ${'CASH' in counted ? 1 : ''} `, 'CCCA   ']);
    }
    const over = await settle({ drawer, counted: { CASH: 1, CCCA: 5 } }, cashier.request);
    expectRefusal(over, 422);
    expect(over.text).not.toMatch(/123\.45|122\.45/);
    const manager = await clientOf(server, server.a, '', ['billing-manager']);
    const { json } = await settle({ drawer, preview: true }, manager.request);
    expect(linesOf(json)).toEqual(['CASH 123.45  ', 'CCCA 5  ']);
    // Counted, and closed: now it is told.
    const done = await settle({ drawer, counted: { CASH: 123, CCCA: 5 } }, cashier.request);
    expect(linesOf(done.json)).toEqual(['CASH 123.45 123 -0.45', 'CCCA 5 5 0']);
  });
});

describe('a settled day', () => {
  test('takes no payment, refund, void nor second settlement, in that drawer and on that day', async () => {
    const paid = await pay(50);
    const elsewhere = await pay(60, { drawer: undefined });
    const earlier = await pay(70, { date: '2026-03-03' });
    expect((await settle({ drawer, counted: { CASH: 50 } })).status).toBe(200);
    const details = [[referenceTo(invoice), 5]] as const;
    expectRefusal(await till.post(buildPayment(5, { drawer, details })), 409);
    expectRefusal(await till.post(buildPayment(5, { drawer, details, outcome: 'queued' })), 409);
    expectRefusal(await till.refund(5, referenceTo(paid), { drawer, details }), 409);
    expectRefusal(await till.void(paid), 409);
    expectRefusal(await settle({ drawer, counted: { CASH: 50 } }), 409);
    expectRefusal(await settle({ drawer, preview: true }), 409);
    // Other drawers and other days are open; a late correction is one of the next day, or of another drawer.
    expect((await till.void(earlier)).status).toBe(200);
    expect((await till.void(elsewhere)).status).toBe(200);
    expect((await till.refund(5, referenceTo(paid), { details })).status).toBe(201);
    expect((await till.post(buildPayment(5, { drawer, details, date: '2026-03-03' }))).status).toBe(201);
  });

  test('cannot be opened again: a settlement is not voided, changed or deleted', async () => {
    const { json } = await settle({ drawer });
    expectRefusal(await till.void(json), 422);
    expectRefusal(await till.put({ ...json, paymentAmount: usd(9) }), 422);
    expectRefusal(await server.a.request('DELETE', `/${referenceTo(json)}`), 405);
    expect((await till.put(json)).status).toBe(200);
  });
});

describe('refused is a settlement', () => {
  test('while a payment of that drawer and day is queued (409)', async () => {
    const queued = await pay(10, { outcome: 'queued' });
    expectRefusal(await settle({ drawer }), 409);
    expect((await till.put({ ...queued, outcome: 'error' })).status).toBe(200);
    expect((await settle({ drawer })).status).toBe(200);
  });

  test('that leaves out a method money is expected of (422)', async () => {
    await pay(100);
    await pay(5, { method: 'CCCA' });
    const answer = await settle({ drawer, counted: { CASH: 100 } });
    expectRefusal(answer, 422);
    expect(answer.json.issue[0].diagnostics).toContain('CCCA');
  });

  test('above the limit of variance without an approver, who is another person (422)', async () => {
    await pay(100);
    expectRefusal(await settle({ drawer, counted: { CASH: 79.99 } }), 422);
    // What is over of one method makes up for nothing of another.
    expectRefusal(await settle({ drawer, counted: { CASH: 85, UPI: 15 } }), 422);
    expectRefusal(await settle({ drawer, counted: { CASH: 1 }, approver: 'Practitioner/none' }), 422);
    expectRefusal(await settle({ drawer, counted: { CASH: 1 }, approver: 'Patient/1' }), 422);
    const approver = await practitioner();
    const { status, json } = await settle({ drawer, counted: { CASH: 79.99 }, approver });
    expect(status).toBe(200);
    expect(JSON.stringify(json.extension)).toContain(approver);
  });

  test('within the limit none is needed, and the limit is a setting', async () => {
    await pay(100);
    const admin = adminOf(server, server.a);
    await admin('PUT', '/settings/settlement.variance-limit', { value: 1 });
    expectRefusal(await settle({ drawer, counted: { CASH: 98.99 } }), 422);
    await admin('PUT', '/settings/settlement.variance-limit', { value: 20 });
    expect((await settle({ drawer, counted: { CASH: 80 } })).status).toBe(200);
  });

  test('of tomorrow, of no drawer, of an unknown method, of amounts that are none (4xx)', async () => {
    const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    expectRefusal(await settle({ drawer, date: tomorrow }), 422);
    for (const date of ['2026-11', '2026-02-30', '0000-01-01']) {
      expectRefusal(await settle({ drawer, date }), [400, 422]);
    }
    expectRefusal(await settle({ drawer: 'Location/none' }), 422);
    expectRefusal(await settle({ drawer: 'Device/1' }), 422);
    expectRefusal(await settle({ drawer, counted: { voucher: 1 } }), 422);
    expectRefusal(await settle({ drawer, counted: { CASH: -1 } }), 422);
    expectRefusal(await settle({ drawer, counted: { CASH: 0.001 } }), 422);
    expectRefusal(await settle({ drawer, note: 'card 4111 1111 1111 1111' }), 422);
  });

  test('of who has not the right (403)', async () => {
    for (const role of ['front-desk', 'nurse', 'clinic-admin', 'auditor']) {
      const { request } = await clientOf(server, server.a, '', [role]);
      expectRefusal(await settle({ drawer }, request), 403);
    }
    const { request } = await clientOf(server, server.a, '', ['cashier']);
    expect((await settle({ drawer }, request)).status).toBe(200);
  });
});

test('of ten settlements at once one closes the day', async () => {
  await pay(10);
  const answers = await Promise.all(Array.from({ length: 10 }, () => settle({ drawer, counted: { CASH: 9 } })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
});
