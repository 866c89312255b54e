// The life of an Invoice over HTTP: draft, issue, number, posting, cancellation, and what never changes: contract.md 26 to 28, 38, 45, 50, domain.md SM-2.

import { describe, expect, test } from '@jest/globals';
import { send } from '../support/server.ts';
import { clientOf } from './clients.ts';
import {
  base,
  cash,
  current,
  discount,
  extensionOf,
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
  sid,
  tax,
  usd,
  useBilling,
  x,
} from './invoice-world.ts';

const clinic = useBilling();

const consultation = () => line(base(100), tax(0.2));

describe('a draft', () => {
  test('is completed by the server: amounts of factors, and totals (25)', async () => {
    const lines = [line(base(100), discount(0.125), tax(0.19)), line(base(1), discount(0.125))];
    const draft = await made(clinic.a, invoiceFor(clinic.patient, lines));
    const amounts = draft.lineItem.flatMap((one: { priceComponent: { amount: unknown }[] }) =>
      one.priceComponent.map(({ amount }) => amount),
    );
    expect(amounts).toEqual([100, -12.5, 16.63, 1, -0.13].map(usd));
    expect([draft.totalNet, draft.totalGross]).toEqual([usd(88.37), usd(105)]);
    expect(draft.totalPriceComponent).toContainEqual({
      type: 'tax',
      code: { text: 'VAT' },
      factor: 0.19,
      amount: usd(16.63),
    });
    expect((await clinic.a.request('GET', `/Invoice/${draft.id}`)).text).toContain('"value":105.00');
  });

  test('takes more lines, and the totals follow (26)', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    const { totalNet, totalGross, totalPriceComponent, ...rest } = draft;
    const answer = await put(clinic.a, rest, { lineItem: [...draft.lineItem, line(base(30))] });
    expect([answer.status, answer.json.totalGross]).toEqual([200, usd(150)]);
    expect([totalNet, totalGross, totalPriceComponent.length]).toEqual([usd(100), usd(120), 2]);
  });

  test('whose totals are wrong is refused with the right ones, at POST and at PUT (27)', async () => {
    const wrong = invoiceFor(clinic.patient, [consultation()], { totalNet: usd(100), totalGross: usd(119) });
    const refused = await clinic.a.request('POST', '/Invoice', wrong);
    expect([refused.status, refused.json.issue[0].code]).toEqual([422, 'business-rule']);
    expect(refused.json.issue[0].diagnostics).toMatch(/totalNet is 100\.00 USD, totalGross is 120\.00 USD/);
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    expect((await put(clinic.a, draft, { totalGross: usd(12) })).status).toBe(422);
    expect((await put(clinic.a, draft, { totalPriceComponent: [{ type: 'tax', amount: usd(1) }] })).status).toBe(422);
    expect((await put(clinic.a, draft)).status).toBe(200);
  });

  test.each([
    ['a negative base', line(base(-1))],
    ['a discount that is positive', line(base(10), { type: 'discount', amount: usd(1) })],
    ['more taken off than there is', line(base(10), { type: 'discount', amount: usd(-11) })],
    ['more decimals than the currency has', line(base(1.005))],
    ['the smallest amounts', line(base(1e-9))],
    ['the largest', line(base(1e30))],
    ['another currency', line({ type: 'base', amount: { value: 1, currency: 'EUR' } })],
    ['no currency of ISO 4217', line({ type: 'base', amount: { value: 1, currency: 'XXX' } })],
    ['a tax that says nothing', line(base(1), { type: 'tax' })],
    ['a negative factor', line(base(1), { type: 'tax', factor: -0.1 })],
    ['an amount that its factor does not give', line(base(100), { type: 'tax', factor: 0.1, amount: usd(11) })],
    ['a base without an amount', line({ type: 'base', factor: 1 })],
  ])('with %s is 422, as draft and as issued (27, security.md 111)', async (_, bad) => {
    for (const status of ['draft', 'issued']) {
      const answer = await clinic.a.request('POST', '/Invoice', invoiceFor(clinic.patient, [bad], { status }));
      expect([answer.status, answer.json.resourceType]).toEqual([422, 'OperationOutcome']);
    }
  });

  test.each([
    ['a text', '"1,00"'],
    ['no number', 'NaN'],
  ])('with %s for an amount is 400 (4)', async (_, value) => {
    const body = JSON.stringify(invoiceFor(clinic.patient, [line(base(7))])).replace(':7,', `:${value},`);
    expect((await clinic.a.request('POST', '/Invoice', body)).status).toBe(400);
  });

  test('may have taxes as amount, as factor, or as both (27)', async () => {
    const taxes = [
      { type: 'tax', amount: usd(2) },
      tax(0.1),
      { ...tax(0.05), amount: usd(0.5) },
      { ...tax(0.0), code: { text: 'exempt' } },
    ];
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [line(base(10), ...taxes)]));
    expect(draft.lineItem[0].priceComponent.map(({ amount }: { amount: { value: number } }) => amount.value)).toEqual([
      10, 2, 1, 0.5, 0,
    ]);
    expect(draft.totalGross).toEqual(usd(13.5));
  });

  test('is not balanced by a client, and never again a draft once issued (SM-2)', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    expect((await put(clinic.a, draft, { status: 'balanced' })).status).toBe(422);
    const { json } = await put(clinic.a, draft, { status: 'issued' });
    expect((await put(clinic.a, json, { status: 'balanced' })).status).toBe(422);
    expect((await put(clinic.a, json, { status: 'draft' })).status).toBe(422);
    expect(
      (await clinic.a.request('POST', '/Invoice', invoiceFor(clinic.patient, [consultation()], { status: 'balanced' })))
        .status,
    ).toBe(422);
  });

  test('keeps no number, payment state or outstanding of a client (28, 45)', async () => {
    const draft = await made(clinic.a, {
      ...invoiceFor(clinic.patient, [consultation()]),
      identifier: [{ system: `${sid}/invoice`, value: 'INV-2020-00001' }, { value: 'mine' }],
      extension: [
        { url: `${x}/payment-state`, valueCode: 'paid' },
        { url: `${x}/outstanding`, valueMoney: usd(0) },
      ],
    });
    expect([draft.identifier, draft.extension]).toEqual([[{ value: 'mine' }], undefined]);
  });
});

describe('an issue', () => {
  test('gives number, date, due date and payment state, and posts the charge on cash basis', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [line(base(100), discount(0.1), tax(0.19))]));
    const answer = await put(clinic.a, draft, { status: 'issued' });
    expect(answer.status).toBe(200);
    expect(numberOf(answer.json)).toMatch(/^INV-\d{4}-\d{5}$/);
    expect(payment(answer.json)).toEqual(['issued', 'pending', 107.1]);
    expect(extensionOf(answer.json, 'due-date').valueDate).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(answer.json.date).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\+00:00$/);
    expect(await current(clinic.a, draft)).toEqual(answer.json);
    expect(await ledgerOf(clinic.server, clinic.a, draft.id)).toEqual({ '1200': 10_710, '2200': -1710, '2400': -9000 });
  });

  test('goes by PATCH and by POST as well, each with the next number', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    const patch = [{ op: 'replace', path: '/status', value: 'issued' }];
    const headers = { 'Content-Type': 'application/json-patch+json' };
    const first = await clinic.a.request('PATCH', `/Invoice/${draft.id}`, patch, headers);
    const second = await issued(clinic.a, clinic.patient, [consultation()]);
    expect(second.meta.versionId).toBe('1');
    expect(countOf(second) - countOf(first.json)).toBe(1);
    expect(await ledgerOf(clinic.server, clinic.a, second.id)).toMatchObject({ '1200': 12_000 });
  });

  test('of nothing is balanced at once (SM-2)', async () => {
    const free = await issued(clinic.a, clinic.patient, [line(base(0))]);
    expect(payment(free)).toEqual(['balanced', 'paid', 0]);
  });

  test('needs a line, and a price for each: 422', async () => {
    const draft = await made(clinic.a, {
      resourceType: 'Invoice',
      status: 'draft',
      subject: { reference: clinic.patient },
    });
    expect((await put(clinic.a, draft, { status: 'issued' })).status).toBe(422);
    const bare = await made(
      clinic.a,
      invoiceFor(clinic.patient, [{ chargeItemCodeableConcept: { text: 'Nobody knows' } }]),
    );
    const refused = await put(clinic.a, bare, { status: 'issued' });
    expect([refused.status, refused.json.issue[0].expression]).toEqual([422, ['Invoice.lineItem[0].priceComponent']]);
  });

  test('without a patient, as over the counter, is owed by nobody in particular, paid, and corrected (27)', async () => {
    const { subject: _, ...sale } = invoiceFor('', [consultation()], { status: 'issued' });
    const first = await made(clinic.a, sale);
    expect(payment(first)).toEqual(['issued', 'pending', 120]);
    await made(clinic.a, cash(clinic.patient, first.id, 120));
    expect(payment(await current(clinic.a, first))).toEqual(['balanced', 'paid', 0]);
    const second = await made(clinic.a, sale);
    const { subject: _subject, ...note } = noteFor('', second.id, -20);
    await made(clinic.a, { ...note, status: 'issued' });
    expect(payment(await current(clinic.a, second))).toEqual(['issued', 'pending', 100]);
    expect(await ledgerOf(clinic.server, clinic.a, second.id)).toMatchObject({ '1200': 10_000 });
  });

  test('that is refused takes no number: the series has no gap', async () => {
    const before = await issued(clinic.a, clinic.patient, [consultation()]);
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          request: { method: 'POST', url: 'Invoice' },
          resource: invoiceFor(clinic.patient, [consultation()], { status: 'issued' }),
        },
        { request: { method: 'POST', url: 'Invoice' }, resource: invoiceFor(clinic.patient, [line(base(-1))]) },
      ],
    };
    expect((await clinic.a.request('POST', '', bundle)).status).toBe(422);
    expect(countOf(await issued(clinic.a, clinic.patient, [consultation()])) - countOf(before)).toBe(1);
  });

  test('of several in one bundle numbers them in their order', async () => {
    const entry = Array.from({ length: 3 }, () => ({
      request: { method: 'POST', url: 'Invoice' },
      resource: invoiceFor(clinic.patient, [consultation()], { status: 'issued' }),
    }));
    const answer = await clinic.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
    const invoices = await Promise.all(
      answer.json.entry.map(({ response }: { response: { location: string } }) =>
        clinic.a.request('GET', `/Invoice/${/Invoice\/([^/]+)/.exec(response.location)?.[1]}`),
      ),
    );
    const counts = invoices.map(({ json }) => countOf(json));
    expect(counts.map((count) => count - counts[0]!)).toEqual([0, 1, 2]);
  });

  test('counts in each clinic by itself, and neither sees the other’s Invoices', async () => {
    const { b } = clinic.server;
    const first = await issued(b, await newPatient(b), [consultation()]);
    expect(countOf(first)).toBe(1);
    expect((await clinic.a.request('GET', `/Invoice/${first.id}`)).status).toBe(404);
    const namesake = await put(clinic.a, first);
    expect([namesake.status, numberOf(namesake.json)]).toEqual([201, expect.not.stringMatching(/-00001$/)]);
    expect(await current(b, first)).toEqual(first);
    expect(await ledgerOf(clinic.server, b, first.id)).toMatchObject({ '1200': 12_000 });
  });
});

describe('an issued Invoice', () => {
  test.each([
    ['another line', { lineItem: [line(base(1))] }],
    ['another patient', { subject: { reference: 'Patient/other' } }],
    ['a lower total', { totalGross: usd(1) }],
    ['a note', { note: [{ text: 'paid' }] }],
    ['no lines', { lineItem: undefined }],
  ])('takes no %s: 409, and nothing is posted (security.md 118)', async (_, changed) => {
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    expect((await put(clinic.a, invoice, changed)).status).toBe(409);
    expect(await current(clinic.a, invoice)).toEqual(invoice);
  });

  test('may be sent again as it is, also without what the server has set, and tagged', async () => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    const { json: invoice } = await put(clinic.a, draft, { status: 'issued' });
    const again = await put(clinic.a, draft, { status: 'issued', meta: { tag: [{ system: 'urn:t', code: 'seen' }] } });
    expect([again.status, numberOf(again.json), again.json.meta.tag]).toEqual([
      200,
      numberOf(invoice),
      [{ system: 'urn:t', code: 'seen' }],
    ]);
    const forged = { extension: [{ url: `${x}/outstanding`, valueMoney: usd(0) }] };
    expect(payment((await put(clinic.a, invoice, forged)).json)).toEqual(['issued', 'pending', 120]);
    expect(await ledgerOf(clinic.server, clinic.a, invoice.id)).toMatchObject({ '1200': 12_000 });
  });

  test('is not deleted: 409', async () => {
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    expect((await clinic.a.request('DELETE', `/Invoice/${invoice.id}`)).status).toBe(409);
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    expect((await clinic.a.request('DELETE', `/Invoice/${draft.id}`)).status).toBe(204);
  });

  test('is cancelled with a reason: reversed, its number used up, and final', async () => {
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    expect((await put(clinic.a, invoice, { status: 'cancelled' })).status).toBe(422);
    const reason = { status: 'cancelled', cancelledReason: 'wrong patient' };
    expect((await put(clinic.a, invoice, { ...reason, lineItem: [line(base(5))] })).status).toBe(409);
    const cancelled = await put(clinic.a, invoice, reason);
    expect([cancelled.status, numberOf(cancelled.json), payment(cancelled.json)]).toEqual([
      200,
      numberOf(invoice),
      ['cancelled', undefined, undefined],
    ]);
    expect(await ledgerOf(clinic.server, clinic.a, invoice.id)).toEqual({ '1200': 0, '2200': 0, '2400': 0 });
    expect((await put(clinic.a, cancelled.json, { status: 'issued' })).status).toBe(422);
    expect((await clinic.a.request('DELETE', `/Invoice/${invoice.id}`)).status).toBe(409);
    expect(numberOf(await issued(clinic.a, clinic.patient, [consultation()]))).not.toBe(numberOf(invoice));
  });

  test('becomes no mistake: only a draft does (SM-2)', async () => {
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    expect((await put(clinic.a, invoice, { status: 'entered-in-error' })).status).toBe(422);
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [consultation()]));
    expect((await put(clinic.a, draft, { status: 'entered-in-error' })).status).toBe(200);
  });
});

describe('an Invoice from outside (50)', () => {
  const foreign = { resourceType: 'Invoice', status: 'issued', totalNet: usd(40.22), totalGross: usd(48) };

  test.each(['issued', 'balanced', 'cancelled', 'entered-in-error'])(
    'that is %s is stored as sent and posts nothing',
    async (status) => {
      const stored = await made(clinic.a, { ...foreign, status, subject: { reference: clinic.patient } });
      const { id, meta: _, ...content } = stored;
      expect(content).toEqual({ ...foreign, status, subject: { reference: clinic.patient } });
      expect(await ledgerOf(clinic.server, clinic.a, id)).toEqual({});
    },
  );

  test('that ended elsewhere may be corrected, and stays ended', async () => {
    const stored = await made(clinic.a, { ...foreign, status: 'cancelled', lineItem: [line(base(7))] });
    expect((await put(clinic.a, stored, { note: [{ text: 'x' }], totalGross: usd(7) })).status).toBe(200);
    expect((await put(clinic.a, stored, { status: 'draft' })).status).toBe(422);
    expect((await put(clinic.a, stored, { status: 'issued' })).status).toBe(422);
  });

  test('may be sent again changed, but gets no lines of ours', async () => {
    const stored = await made(clinic.a, foreign);
    expect((await put(clinic.a, stored, { totalGross: usd(49) })).status).toBe(200);
    expect((await put(clinic.a, stored, { lineItem: [consultation()] })).status).toBe(422);
    expect((await put(clinic.a, stored, { status: 'draft' })).status).toBe(422);
    expect((await clinic.a.request('DELETE', `/Invoice/${stored.id}`)).status).toBe(204);
  });
});

describe('a clinic elsewhere', () => {
  const set = async (key: string, value: unknown) => {
    const { b, origin } = clinic.server;
    const headers = { Authorization: `Bearer ${b.token}`, 'Content-Type': 'application/json' };
    const answer = await send(`${origin}/t/${b.name}/admin/settings/${key}`, 'PUT', { value }, headers);
    expect(answer.status).toBeLessThan(300);
  };
  const inCurrency = (currency: string, value: number, factor: number) => [
    line({ type: 'base', amount: { value, currency } }, tax(factor)),
  ];

  test('issues on its own day, with what it sets for due days and basis', async () => {
    const { b } = clinic.server;
    const zone = 'Pacific/Kiritimati';
    await set('timezone', zone);
    await set('invoices.due-days', 0);
    await set('ledger.basis', 'accrual');
    const today = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' }).format(new Date());
    const invoice = await issued(b, await newPatient(b), [consultation()]);
    expect(invoice.date).toBe(`${today}${invoice.date.slice(10, 19)}+14:00`);
    expect(extensionOf(invoice, 'due-date').valueDate).toBe(today);
    expect(await ledgerOf(clinic.server, b, invoice.id)).toEqual({ '1200': 12_000, '2200': -2000, '4000': -10_000 });
  });

  test.each([
    ['JPY', 1050, 0.1, '1155', 1155],
    ['KWD', 1.005, 0.05, '1.055', 1055],
  ])('reckons in the smallest unit of %s (domain.md 3.4)', async (currency, value, factor, text, minor) => {
    const { b } = clinic.server;
    await set('currency', currency);
    const invoice = await issued(b, await newPatient(b), inCurrency(currency, value, factor));
    expect((await b.request('GET', `/Invoice/${invoice.id}`)).text).toContain(
      `"totalGross":{"value":${text},"currency":"${currency}"}`,
    );
    expect(await ledgerOf(clinic.server, b, invoice.id)).toMatchObject({ '1200': minor });
    const tooFine = invoiceFor('Patient/1', inCurrency(currency, 0.0001, 0));
    expect((await b.request('POST', '/Invoice', tooFine)).status).toBe(422);
  });
});

describe('rights', () => {
  test('to cancel what is issued are with billing managers and administrators; drafts with all of billing', async () => {
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    const reason = { status: 'cancelled', cancelledReason: 'x' };
    for (const [role, statusOfDraft] of [
      ['cashier', 403],
      ['billing-staff', 200],
    ] as const) {
      const person = await clientOf(clinic.server, clinic.a, 'user/*.cruds', [role]);
      expect((await put(person, invoice, reason)).status).toBe(403);
      const draft = await made(person, invoiceFor(clinic.patient, [consultation()]));
      expect((await put(person, draft, reason)).status).toBe(statusOfDraft);
    }
    const manager = await clientOf(clinic.server, clinic.a, 'user/*.cruds', ['billing-manager']);
    expect((await put(manager, invoice, reason)).status).toBe(200);
  });

  test('to read are not rights to write: 403 for who has no c, u or r', async () => {
    const reader = await clientOf(clinic.server, clinic.a, 'system/Invoice.rs');
    const invoice = await issued(clinic.a, clinic.patient, [consultation()]);
    expect((await reader.request('GET', `/Invoice/${invoice.id}`)).status).toBe(200);
    expect((await put(reader, invoice)).status).toBe(403);
    const nurse = await clientOf(clinic.server, clinic.a, 'user/*.cruds', ['nurse']);
    expect((await nurse.request('GET', `/Invoice/${invoice.id}`)).status).toBe(403);
    expect((await nurse.request('POST', '/Invoice', invoiceFor(clinic.patient, [consultation()]))).status).toBe(403);
  });
});

/** The counter in a number such as `INV-2026-00012`. */
function countOf(invoice: unknown): number {
  return Number(/\d+$/.exec(numberOf(invoice) ?? '')?.[0]);
}
