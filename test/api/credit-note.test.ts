// Credit notes and write-offs: what they post, their limits, and who may issue them: contract.md 29, 30, domain.md SM-2c, S5-44.

import { describe, expect, test } from '@jest/globals';
import { send } from '../support/server.ts';
import { clientOf } from './clients.ts';
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
  numberOf,
  payment,
  put,
  tax,
  usd,
  useBilling,
} from './invoice-world.ts';

const clinic = useBilling();

/** 120.00: 100.00 and 20 % tax. */
const newInvoice = () => issued(clinic.a, clinic.patient, [line(base(100), tax(0.2))]);

async function credited(invoice: { id: string }, value: number, code?: string) {
  const draft = await made(clinic.a, noteFor(clinic.patient, invoice.id, value, code));
  return await put(clinic.a, draft, { status: 'issued' });
}

describe('a credit note', () => {
  test('of an unpaid Invoice lowers the outstanding, and tax and net in their proportion', async () => {
    const invoice = await newInvoice();
    const note = await credited(invoice, -24);
    expect(note.status).toBe(200);
    expect([numberOf(note.json, 'credit-note'), numberOf(note.json)]).toEqual([
      expect.stringMatching(/^CN-\d{4}-\d{5}$/),
      undefined,
    ]);
    expect(payment(await current(clinic.a, invoice))).toEqual(['issued', 'pending', 96]);
    expect(await ledgerOf(clinic.server, clinic.a, invoice.id)).toEqual({ '1200': 9600, '2200': -1600, '2400': -8000 });
    expect((await current(clinic.a, note.json)).status).toBe('balanced');
  });

  test('of all of it balances the Invoice', async () => {
    const invoice = await newInvoice();
    expect((await credited(invoice, -120)).status).toBe(200);
    expect(payment(await current(clinic.a, invoice))).toEqual(['balanced', 'paid', 0]);
    expect(await ledgerOf(clinic.server, clinic.a, invoice.id)).toEqual({ '1200': 0, '2200': 0, '2400': 0 });
  });

  test('of a paid Invoice becomes credit of the patient, and stays issued until that is refunded', async () => {
    const invoice = await newInvoice();
    await made(clinic.a, cash(clinic.patient, invoice.id, 120));
    const note = await credited(invoice, -60);
    expect(note.status).toBe(200);
    expect(payment(await current(clinic.a, invoice))).toEqual(['balanced', 'paid', 0]);
    expect((await current(clinic.a, note.json)).status).toBe('issued');
    expect(await ledgerOf(clinic.server, clinic.a, invoice.id)).toMatchObject({
      '1200': 0,
      '2200': -1000,
      '4000': -5000,
    });
  });

  test('is never more than the gross, all notes together: 409', async () => {
    const invoice = await newInvoice();
    expect((await credited(invoice, -120.01)).status).toBe(409);
    expect((await credited(invoice, -100)).status).toBe(200);
    const second = await credited(invoice, -20.01);
    expect([second.status, second.json.issue[0].diagnostics]).toEqual([409, expect.stringContaining('20.00 USD')]);
    expect((await credited(invoice, -20)).status).toBe(200);
    expect((await credited(invoice, -0.01)).status).toBe(409);
  });

  test('is never more than the gross in one bundle either', async () => {
    const invoice = await newInvoice();
    const entry = [-70, -70].map((value) => ({
      request: { method: 'POST', url: 'Invoice' },
      resource: { ...noteFor(clinic.patient, invoice.id, value), status: 'issued' },
    }));
    expect((await clinic.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(
      409,
    );
    expect(payment(await current(clinic.a, invoice))).toEqual(['issued', 'pending', 120]);
  });

  test('gives back no money that nobody paid: after a write-off nothing is left to credit', async () => {
    const invoice = await newInvoice();
    expect((await credited(invoice, -120, 'BAD_DEBT')).status).toBe(200);
    expect((await credited(invoice, -1)).status).toBe(409);
  });

  test('corrects only what was issued here, to the same patient', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [line(base(10))]));
    expect((await credited(draft, -1)).status).toBe(409);
    expect((await credited({ id: 'nobody' }, -1)).status).toBe(409);
    const outside = await made(clinic.a, { resourceType: 'Invoice', status: 'issued', totalGross: usd(10) });
    expect((await credited(outside, -1)).status).toBe(409);
    const invoice = await newInvoice();
    const other = await made(clinic.a, noteFor(await newPatient(clinic.a), invoice.id, -1));
    expect((await put(clinic.a, other, { status: 'issued' })).status).toBe(422);
    const { b } = clinic.server;
    const foreign = await made(b, noteFor(await newPatient(b), invoice.id, -1));
    expect((await put(b, foreign, { status: 'issued' })).status).toBe(409);
  });

  test('is in the currency of its Invoice, also when the clinic has another one since', async () => {
    const { b, origin } = clinic.server;
    const who = await newPatient(b);
    const invoice = await issued(b, who, [line(base(100))]);
    const headers = { Authorization: `Bearer ${b.token}`, 'Content-Type': 'application/json' };
    await send(`${origin}/t/${b.name}/admin/settings/currency`, 'PUT', { value: 'EUR' }, headers);
    const note = JSON.parse(JSON.stringify(noteFor(who, invoice.id, -1)).replaceAll('USD', 'EUR'));
    expect((await b.request('POST', '/Invoice', { ...note, status: 'issued' })).status).toBe(422);
  });

  test('is negative: a positive one is 422', async () => {
    const invoice = await newInvoice();
    expect((await clinic.a.request('POST', '/Invoice', noteFor(clinic.patient, invoice.id, 5))).status).toBe(422);
  });

  test('keeps its Invoice from being cancelled: 409', async () => {
    const invoice = await newInvoice();
    await credited(invoice, -20);
    const stored = await current(clinic.a, invoice);
    expect((await put(clinic.a, stored, { status: 'cancelled', cancelledReason: 'x' })).status).toBe(409);
  });

  test('is for billing staff: a cashier is refused', async () => {
    const invoice = await newInvoice();
    const cashier = await clientOf(clinic.server, clinic.a, 'user/*.cruds', ['cashier']);
    const staff = await clientOf(clinic.server, clinic.a, 'user/*.cruds', ['billing-staff']);
    const note = await made(cashier, noteFor(clinic.patient, invoice.id, -10));
    expect((await put(cashier, note, { status: 'issued' })).status).toBe(403);
    expect((await put(staff, note, { status: 'issued' })).status).toBe(200);
  });
});

describe('a write-off', () => {
  test.each([
    ['BAD_DEBT', '6000'],
    ['HARDSHIP', '6010'],
    ['SMALL_BALANCE', '6030'],
  ])('for %s posts to %s, and leaves nothing deferred', async (code, account) => {
    const invoice = await newInvoice();
    const answer = await credited(invoice, -120, code);
    expect([answer.status, numberOf(answer.json, 'credit-note')]).toEqual([200, expect.stringMatching(/^CN-/)]);
    expect(payment(await current(clinic.a, invoice))).toEqual(['balanced', 'paid', 0]);
    const ledger = await ledgerOf(clinic.server, clinic.a, invoice.id);
    expect(ledger).toEqual({ '1200': 0, '2200': -2000, '2400': 0, '4000': -10_000, [account]: 12_000 });
  });

  test('above the outstanding is 409', async () => {
    const invoice = await newInvoice();
    await made(clinic.a, cash(clinic.patient, invoice.id, 100));
    expect((await credited(invoice, -20.01, 'BAD_DEBT')).status).toBe(409);
    expect((await credited(invoice, -20, 'BAD_DEBT')).status).toBe(200);
  });

  test('hides no credit note: one reason, base components only', async () => {
    const invoice = await newInvoice();
    const draft = await made(clinic.a, noteFor(clinic.patient, invoice.id, -10, 'BAD_DEBT'));
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...rest } = draft;
    const mixed = { lineItem: [...draft.lineItem, line(base(-10))], status: 'issued' };
    expect((await put(clinic.a, rest, mixed)).status).toBe(422);
  });

  test.each([
    ['cashier', 403],
    ['billing-staff', 403],
    ['billing-manager', 200],
    ['clinic-admin', 200],
  ])('by a %s is %i', async (role, status) => {
    const invoice = await newInvoice();
    const person = await clientOf(clinic.server, clinic.a, 'user/*.cruds', [role]);
    const draft = await made(person, noteFor(clinic.patient, invoice.id, -5, 'HARDSHIP'));
    expect((await put(person, draft, { status: 'issued' })).status).toBe(status);
  });
});
