// Cash drawers and what takes money back: float, pay-in, pay-out, hand-over, voids of cashiers, bounced cheques, and who approves (domain.md SM-4, SM-10, 3.3, 6; contract.md 44, 49).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { serverCaller } from '../../../src/access/caller.ts';
import { verifyLedger } from '../../../src/clinic/ledger/verify/verify-ledger.ts';
import { inSession } from '../../../src/repository/session.ts';
import { adminOf } from '../../api/admin-requests.ts';
import { clientOf } from '../../api/clients.ts';
import { expectNoFailure, expectRefusal } from '../../api/refusals.ts';
import { startTestServer, type TestResponse, type TestServer } from '../../support/server.ts';
import { buildPayment, type PaymentParts, referenceTo, type Stored, Till, today, urls, usd } from './till.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;
let drawer: string;
let [anna, ben, manager]: Till[] = [];

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
  patient = await till.patient();
  [anna, ben] = [await person('cashier', 'anna'), await person('cashier', 'ben')];
  manager = await person('billing-manager', 'manager');
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
beforeEach(async () => {
  drawer = referenceTo(await till.created({ resourceType: 'Location', status: 'active', name: 'Desk' }));
  invoice = await till.invoice(patient, 1_000);
});

/** A client that holds a role and stands for somebody (contract.md 47). */
async function person(role: string, id: string): Promise<Till> {
  await server.a.request('PUT', `/Practitioner/${id}`, { resourceType: 'Practitioner', id, active: true });
  const { request } = await clientOf(server, server.a, 'user/*.cruds', [role], `Practitioner/${id}`);
  return new Till({ ...server.a, request });
}

const cash = (type: string, amount: number, parts: PaymentParts = {}) =>
  buildPayment(amount, { type, drawer, method: '', ...parts });
const pay = (who: Till, amount: number, parts: PaymentParts = {}) =>
  who.post(buildPayment(amount, { drawer, details: [[referenceTo(invoice), amount]], ...parts }));
const setting = (key: string, value: unknown) => adminOf(server, server.a)('PUT', `/settings/${key}`, { value });

function settle(who: Till, counted: Readonly<Record<string, number>>, approver?: string): Promise<TestResponse> {
  const parameter = [
    { name: 'date', valueDate: today() },
    { name: 'drawer', valueReference: { reference: drawer } },
    ...Object.entries(counted).map(([method, amount]) => ({
      name: 'counted',
      part: [
        { name: 'method', valueCode: method },
        { name: 'amount', valueMoney: usd(amount) },
      ],
    })),
    ...(approver === undefined ? [] : [{ name: 'approver', valueReference: { reference: approver } }]),
  ];
  return who.tenant.request('POST', '/PaymentReconciliation/$settle-day', { resourceType: 'Parameters', parameter });
}

const varianceOf = ({ extension = [] }: PaymentReconciliation) =>
  extension.find(({ url }) => url === urls.variance)?.valueMoney?.value;

describe('a cash drawer', () => {
  test('is opened by a float; what is paid in and out of it the settlement expects', async () => {
    const float = await anna!.post(cash('float', 100));
    expect(float.status).toBe(201);
    expect(await till.journalsOf(referenceTo(float.json))).toEqual([`TRANSFER, 1010/${drawer} 100, 1040 -100`]);
    expect((await pay(anna!, 60)).status).toBe(201);
    expect((await anna!.post(cash('pay-in', 20))).status).toBe(201);
    const out = await anna!.post(cash('pay-out', 70.5));
    expect(await till.journalsOf(referenceTo(out.json))).toEqual([`TRANSFER, 1010/${drawer} -70.5, 1040 70.5`]);
    const taken = await anna!.post(cash('pay-out', 9));
    expect((await anna!.void(taken.json)).status).toBe(200);
    const { status, json } = await settle(anna!, { CASH: 109.5 });
    expect([status, json.paymentAmount]).toEqual([200, usd(109.5)]);
    expectRefusal(await anna!.post(cash('pay-in', 1)), 409);
    expectRefusal(await anna!.post(cash('float', 1)), 409);
  });

  test('has one shift at a time, and its cash is its cashier’s until another counts and takes it over', async () => {
    expectRefusal(await ben!.post(cash('hand-over', 100)), 409);
    expect((await anna!.post(cash('float', 100))).status).toBe(201);
    expectRefusal(await ben!.post(cash('float', 50)), 409);
    expectRefusal(await pay(ben!, 10), 403);
    expectRefusal(await ben!.post(cash('pay-out', 10)), 403);
    expectRefusal(await settle(ben!, { CASH: 100 }), 403);
    // What is no cash is in no drawer, and billing works in any.
    expect((await pay(ben!, 10, { method: 'CCCA' })).status).toBe(201);
    expect((await pay(manager!, 10)).status).toBe(201);
    expectRefusal(await anna!.post(cash('hand-over', 110)), 409);
    expectRefusal(await ben!.post(cash('hand-over', 80)), 422);
    const over = await ben!.post({
      ...cash('hand-over', 108),
      extension: [...(cash('hand-over', 108).extension ?? []), { url: urls.variance, valueMoney: usd(0) }],
    });
    expect(over.status).toBe(201);
    expect(varianceOf(await till.read(referenceTo(over.json)))).toBe(-2);
    expect(await till.journalsOf(referenceTo(over.json))).toEqual([]);
    expectRefusal(await ben!.void(over.json), 422);
    expectRefusal(await pay(anna!, 10), 403);
    expect((await pay(ben!, 10)).status).toBe(201);
    const { json } = await settle(ben!, { CASH: 118, CCCA: 10 });
    expect(json.paymentAmount).toEqual(usd(130));
  });

  test('moves the clinic’s cash only, by those who settle drawers', async () => {
    for (const parts of [{ method: 'CCCA' }, { issuer: patient }, { details: [[referenceTo(invoice), 5]] as const }]) {
      expectRefusal(await till.post(cash('pay-in', 5, parts)), 422);
    }
    expectRefusal(await till.post(cash('pay-in', 0)), 422);
    expectRefusal(await till.post(cash('pay-in', 5, { outcome: 'queued' })), 422);
    expectRefusal(await (await person('front-desk', 'desk')).post(cash('pay-in', 5)), 403);
    expectRefusal(await (await person('patient', 'ill')).post(cash('float', 5)), 403);
    const other = new Till(server.b);
    expect((await other.post(buildPayment(5, { type: 'float', method: '' }))).status).toBe(201);
    expect((await till.post(cash('float', 5))).status).toBe(201);
  });

  test('is counted by coins and notes, which are the amount', async () => {
    await pay(till, 21.5);
    const count = async (pieces: readonly (readonly [value: number, count: number])[], amount?: number) => {
      const denominations = pieces.map(([value, often]) => ({
        name: 'denomination',
        part: [
          { name: 'value', valueMoney: usd(value) },
          { name: 'count', valueUnsignedInt: often },
        ],
      }));
      const sum = amount === undefined ? [] : [{ name: 'amount', valueMoney: usd(amount) }];
      const part = [{ name: 'method', valueCode: 'CASH' }, ...denominations, ...sum];
      const parameter = [
        { name: 'date', valueDate: today() },
        { name: 'drawer', valueReference: { reference: drawer } },
        { name: 'counted', part },
      ];
      const body = { resourceType: 'Parameters', parameter };
      return await server.a.request('POST', '/PaymentReconciliation/$settle-day', body);
    };
    expectRefusal(await count([[10, 2]], 21.5), 422);
    expectRefusal(await count([]), 422);
    expectRefusal(await count([[-10, 2]]), 422);
    const { status, text } = await count([
      [10, 2],
      [1, 1],
      [0.25, 2],
    ]);
    expect([status, text]).toEqual([200, expect.stringContaining('21.50')]);
  });

  test('opened by twenty at once is open once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => till.post(cash('float', 5))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });
});

describe('a cashier voids', () => {
  test('what was taken today, up to the limit and before the settlement (SM-4)', async () => {
    const paid = (await pay(anna!, 100)).json;
    expect((await anna!.void(paid)).status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('issued pending 1000');
    expectRefusal(await anna!.void((await pay(anna!, 100.01)).json), 403);
    expectRefusal(await anna!.void((await pay(till, 10, { date: '2026-02-03' })).json), 403);
    const late = (await pay(anna!, 5)).json;
    expect((await settle(anna!, { CASH: 105.01 })).status).toBe(200);
    expectRefusal(await anna!.void(late), 409);
  });

  test('and completes what was queued, but changes nothing else of a payment', async () => {
    const queued = (await pay(anna!, 30, { outcome: 'queued', method: 'CCCA' })).json;
    expectRefusal(await anna!.put({ ...queued, paymentAmount: usd(1) }), 422);
    expect((await anna!.put({ ...queued, outcome: 'complete' })).status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('issued partial 970');
  });
});

describe('a cheque that bounces', () => {
  const bounced = (payment: Stored<PaymentReconciliation>, fee: number) => ({
    ...payment,
    status: 'cancelled' as const,
    extension: [...(payment.extension ?? []), { url: urls.bankFee, valueMoney: usd(fee) }],
  });

  test('is reversed on the day the bank tells, also of a closed day, with the fee of the bank', async () => {
    const { json: cheque } = await pay(till, 250, { method: 'CHCK' });
    expect((await settle(till, { CHCK: 250 })).status).toBe(200);
    expectRefusal(await till.void(cheque), 409);
    expectRefusal(await anna!.put(bounced(cheque, 12.5)), 403);
    const answer = await manager!.put(bounced(cheque, 12.5));
    expect([answer.status, answer.json.status]).toEqual([200, 'cancelled']);
    expect(answer.text).toContain('12.5');
    expect(await till.stateOf(invoice)).toBe('issued pending 1000');
    expect(await till.journalsOf(referenceTo(cheque))).toEqual([
      'ADJUSTMENT, 1040 -12.5, 6050 12.5',
      expect.stringMatching(/^PAYMENT, .*1050 250/),
      expect.stringMatching(/^REVERSAL, .*1050 -250/),
    ]);
    expect((await manager!.put(answer.json)).status).toBe(200);
    expect(await till.journalsOf(referenceTo(cheque))).toHaveLength(3);
    // No drawer is expected to hold less for it.
    drawer = 'Location/main-drawer';
    const main = await settle(till, {});
    expect([main.status, main.json.paymentAmount]).toEqual([200, usd(0)]);
  });

  test('costs nothing where the bank asks for nothing; cash, refunds and what is not voided have no such fee', async () => {
    const { json: transfer } = await pay(till, 10, { method: 'DDPO' });
    expect((await manager!.put(bounced(transfer, 0))).status).toBe(200);
    expect(await till.journalsOf(referenceTo(transfer))).toHaveLength(2);
    const { json: coins } = await pay(till, 10);
    expectRefusal(await manager!.put(bounced(coins, 1)), 422);
    const { json: other } = await pay(till, 10, { method: 'CHCK' });
    for (const wrong of [bounced(other, -1), { ...bounced(other, 1), status: 'active' as const }]) {
      expectRefusal(await manager!.put(wrong), 422);
    }
    expectRefusal(
      await pay(till, 10, { method: 'CHCK', extensions: [{ url: urls.bankFee, valueMoney: usd(1) }] }),
      422,
    );
    expect(await till.stateOf(invoice)).toBe('issued partial 980');
  });
});

describe('a second person', () => {
  test('completes a large refund: not the same one by way of another client, nor one who may not approve (49)', async () => {
    await setting('payments.dual-approval', 50);
    const paid = (await pay(till, 300)).json;
    const details = [[referenceTo(invoice), 90]] as const;
    const { json: asked } = await manager!.refund(90, referenceTo(paid), { drawer, details });
    expect(asked.outcome).toBe('queued');
    const done = { ...asked, outcome: 'complete' as const };
    expectRefusal(await (await person('billing-manager', 'manager')).put(done), 403);
    expectRefusal(await (await person('clinic-admin', 'manager')).put(done), 403);
    for (const role of ['cashier', 'billing-staff'])
      expectRefusal(await (await person(role, `x-${role}`)).put(done), 403);
    expect(await till.stateOf(invoice)).toBe('issued partial 700');
    expect((await (await person('billing-manager', 'other')).put(done)).status).toBe(200);
    await setting('payments.dual-approval', null);
  });

  test('who accepts a variance has a role that approves, and is not the one who counts', async () => {
    await pay(anna!, 100);
    for (const approver of ['anna', 'ben', 'nobody']) {
      await server.a.request('PUT', `/Practitioner/${approver}`, {
        resourceType: 'Practitioner',
        id: approver,
        active: true,
      });
      expectRefusal(await settle(anna!, { CASH: 10 }, `Practitioner/${approver}`), 422);
    }
    expect((await settle(anna!, { CASH: 10 }, 'Practitioner/manager')).status).toBe(200);
  });
});

test('the ledger is as the resources say, whatever drawers and banks did', async () => {
  const { repository } = server.app;
  for (const { id } of [server.a, server.b]) {
    await inSession(repository, serverCaller(id, 'verify'), (session) => verifyLedger(session, () => undefined));
  }
});

test('money of another currency is refused with the currency that is asked for', async () => {
  const euros = { value: 10, currency: 'EUR' as const };
  const parts = { ...buildPayment(10, { drawer, issuer: patient }), paymentAmount: euros };
  const deposit = await till.post(parts);
  expectRefusal(deposit, 422);
  expect(deposit.json.issue[0].diagnostics).toMatch(/to be paid in USD: no rate is known here/);
  const detail = [{ ...buildPayment(10, { details: [[referenceTo(invoice), 10]] }).detail![0]!, amount: euros }];
  expectRefusal(await till.post({ ...parts, detail }), 422);
  expectRefusal(await till.post({ ...cash('float', 10), paymentAmount: euros }), 422);
  const priced = [{ priceComponent: [{ type: 'base', amount: euros }], chargeItemCodeableConcept: { text: 'x' } }];
  const draft = { resourceType: 'Invoice', status: 'draft', subject: { reference: patient }, lineItem: priced };
  const answer = await server.a.request('POST', '/Invoice', draft);
  expectRefusal(answer, 422);
  expect(answer.json.issue[0].diagnostics).toMatch(/Amounts are in USD/);
});
