// Unapplied credit of the patient pays an Invoice at its issue, oldest first: contract.md 28, 29, 35.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import {
  base,
  cash,
  current,
  invoiceFor,
  issued,
  ledgerOf,
  line,
  made,
  newPatient,
  noteFor,
  payment,
  put,
} from './invoice-world.ts';

let server: TestServer;
let a: TestTenant;

beforeAll(async () => {
  server = await startTestServer();
  a = server.a;
});

afterAll(() => server.close());

test('the answer to the issue says already how the Invoice is paid, and there is no version in between', async () => {
  const patient = await newPatient(a);
  const deposit = await made(a, cash(patient, undefined, 30));
  const draft = await made(a, invoiceFor(patient, [line(base(100))]));
  const { json } = await put(a, draft, { status: 'issued' });
  expect([payment(json), json.meta.versionId]).toEqual([['issued', 'partial', 70], '2']);
  expect(await current(a, draft)).toEqual(json);
  expect((await current(a, deposit)).detail[0].request.reference).toBe(`Invoice/${draft.id}`);
  expect(await ledgerOf(server, a, draft.id)).toEqual({ '1200': 7000, '2400': -7000, '4000': -3000 });
});

test('several Invoices in one bundle share the credit in their order; another patient’s is not touched', async () => {
  const patient = await newPatient(a);
  const other = await newPatient(a);
  await made(a, cash(patient, undefined, 150));
  const entry = [patient, other, patient].map((who) => ({
    request: { method: 'POST', url: 'Invoice' },
    resource: invoiceFor(who, [line(base(100))], { status: 'issued' }),
  }));
  const answer = await a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
  const states = await Promise.all(
    answer.json.entry.map(async ({ response }: { response: { location: string } }) => {
      const path = /Invoice\/[^/]+/.exec(response.location)?.[0];
      return payment((await a.request('GET', `/${path}`)).json);
    }),
  );
  expect(states).toEqual([
    ['balanced', 'paid', 0],
    ['issued', 'pending', 100],
    ['issued', 'partial', 50],
  ]);
});

test('credit of a credit note waits for its refund: it pays nothing by itself', async () => {
  const patient = await newPatient(a);
  const first = await issued(a, patient, [line(base(50))]);
  await made(a, cash(patient, first.id, 50));
  await put(a, await made(a, noteFor(patient, first.id, -50)), { status: 'issued' });
  expect(payment(await issued(a, patient, [line(base(20))]))).toEqual(['issued', 'pending', 20]);
});
