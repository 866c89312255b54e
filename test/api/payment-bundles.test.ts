// Money in transaction Bundles: all of it or nothing (domain.md 6: split tender; contract.md 27, 34).

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BundleEntry, Invoice, Resource } from '@medplum/fhirtypes';
import {
  buildInvoice,
  buildPayment,
  detailsOf,
  referenceTo,
  type Stored,
  Till,
  urls,
} from '../clinic/payments/till.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});

const post = (resource: Resource, fullUrl?: string): BundleEntry => ({
  resource,
  request: { method: 'POST', url: resource.resourceType },
  ...(fullUrl !== undefined && { fullUrl }),
});
const put = (resource: Stored<Resource>): BundleEntry => ({
  resource,
  request: { method: 'PUT', url: referenceTo(resource) },
});
beforeEach(async () => {
  patient = await till.patient();
});

const idsIn = ({ json }: TestResponse): string[] =>
  json.entry.map(({ response }: BundleEntry) => /([A-Z]\w+\/[^/]+)\/_history/.exec(response?.location ?? '')?.[1]);

describe('several payments of one Invoice in a transaction (split tender)', () => {
  test('each take what the one before has left, and the last keeps its rest as credit', async () => {
    const invoice = await till.invoice(patient, 100);
    const part = (amount: number, method: string) =>
      post(buildPayment(amount, { method, issuer: patient, details: [[referenceTo(invoice), amount]] }));
    const answer = await till.transaction(part(40, 'CASH'), part(35, 'CCCA'), part(50, 'UPI'));
    expect(answer.status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    const payments = await Promise.all(idsIn(answer).map((reference) => till.read(reference)));
    expect(payments.map((payment) => detailsOf(payment as Parameters<typeof detailsOf>[0]))).toEqual([
      [`${referenceTo(invoice)} 40`],
      [`${referenceTo(invoice)} 35`],
      [`${referenceTo(invoice)} 25`],
    ]);
    expect(payments.map(({ meta }) => meta?.versionId)).toEqual(['1', '1', '1']);
    expect(await till.receiptsOf(invoice)).toHaveLength(3);
  });

  test('are all refused where one is', async () => {
    const invoice = await till.invoice(patient, 100);
    const good = post(buildPayment(40, { details: [[referenceTo(invoice), 40]] }));
    const bad = post(buildPayment(10, { details: [[referenceTo(invoice), 20]] }));
    const answer = await till.transaction(good, bad);
    expectRefusal(answer, 422);
    expect(answer.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[1\]/);
    expect(await till.stateOf(invoice)).toBe('issued pending 100');
    expect(await till.receiptsOf(invoice)).toEqual([]);
  });
});

describe('an Invoice that is issued and paid in one transaction', () => {
  test('is balanced, whichever entry comes first', async () => {
    for (const isInvoiceFirst of [true, false]) {
      const fullUrl = `urn:uuid:${randomUUID()}`;
      const issue = post(buildInvoice(await till.patient(), 100), fullUrl);
      const payment = post(buildPayment(100, { details: [[fullUrl, 100]] }));
      const answer = await till.transaction(...(isInvoiceFirst ? [issue, payment] : [payment, issue]));
      expect(answer.status).toBe(200);
      const reference = idsIn(answer)[isInvoiceFirst ? 0 : 1] ?? '';
      expect(await till.stateOf(await till.read<Invoice>(reference))).toBe('balanced paid 0');
    }
  });

  test('takes no more than it is of; what is cut and whose it is stands in the next version of the payment', async () => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const subject = await till.patient();
    const answer = await till.transaction(
      post(buildInvoice(subject, 100), fullUrl),
      post(buildPayment(150, { details: [[fullUrl, 150]] })),
    );
    const [invoice = '', payment = ''] = idsIn(answer);
    expect(await till.stateOf(await till.read<Invoice>(invoice))).toBe('balanced paid 0');
    const stored = await till.read(payment);
    expect(detailsOf(stored as Parameters<typeof detailsOf>[0])).toEqual([`${invoice} 100`]);
    expect(stored).toMatchObject({
      meta: { versionId: '2' },
      extension: expect.arrayContaining([{ url: urls.issuer, valueReference: { reference: subject } }]),
    });
  });

  test('a draft that is put to issued is paid by the entry beside it', async () => {
    const draft = await till.created(buildInvoice(await till.patient(), 80, { status: 'draft' }));
    const answer = await till.transaction(
      put({ ...draft, status: 'issued' } as Stored<Resource>),
      post(buildPayment(30, { details: [[referenceTo(draft), 30]] })),
    );
    expect(answer.status).toBe(200);
    expect(await till.stateOf(draft)).toBe('issued partial 50');
  });
});

test('payments of many Invoices are one transaction', async () => {
  const invoices: Stored<Invoice>[] = [];
  for (let index = 0; index < 20; index++) invoices.push(await till.invoice(await till.patient(), index + 1));
  const entries = invoices.map((invoice, index) =>
    post(buildPayment(index + 1, { details: [[referenceTo(invoice), index + 1]] })),
  );
  expect((await till.transaction(...entries)).status).toBe(200);
  const states = new Set(await Promise.all(invoices.map((invoice) => till.stateOf(invoice))));
  expect(states).toEqual(new Set(['balanced paid 0']));
});

test('refunds, payments and voids are done in the order of transactions: POST before PUT, each on what the one before has left', async () => {
  const invoice = await till.invoice(await till.patient(), 100);
  const target = [[referenceTo(invoice), 50]] as const;
  const [first, second] = [await till.paid(50, { details: target }), await till.paid(50, { details: target })];
  const refund = buildPayment(20, {
    ...{ type: 'refund', refunds: referenceTo(first) },
    details: [[referenceTo(invoice), 20]],
  });
  const answer = await till.transaction(
    post(refund),
    put({ ...second, status: 'cancelled' } as Stored<Resource>),
    post(buildPayment(200, { details: [[referenceTo(invoice), 200]] })),
  );
  expect(answer.status).toBe(200);
  expect(await till.stateOf(invoice)).toBe('issued partial 50');
  const third = await till.read(idsIn(answer)[2] ?? '');
  expect(detailsOf(third as Parameters<typeof detailsOf>[0])).toEqual([`${referenceTo(invoice)} 20`]);
});

test('a payment and its refund in one transaction', async () => {
  const invoice = await till.invoice(await till.patient(), 100);
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const details = [[referenceTo(invoice), 100]] as const;
  const answer = await till.transaction(
    post(buildPayment(100, { details }), fullUrl),
    post(buildPayment(40, { type: 'refund', method: '', refunds: fullUrl, details: [[referenceTo(invoice), 40]] })),
  );
  expect(answer.status).toBe(200);
  expect(await till.stateOf(invoice)).toBe('issued partial 40');
});
