// Invoices that are written at the same moment: one number and one posting each, no gap, no mixture: security.md 112, 115, 118, domain.md I11.

import { expect, test } from '@jest/globals';
import {
  base,
  cash,
  current,
  invoiceFor,
  ledgerOf,
  line,
  made,
  newPatient,
  numberOf,
  payment,
  put,
  usd,
  useBilling,
} from './invoice-world.ts';

const clinic = useBilling();

const newDraft = (tenant = clinic.a, who = clinic.patient) => made(tenant, invoiceFor(who, [line(base(100))]));
const count = (invoice: unknown) => Number(/\d+$/.exec(numberOf(invoice) ?? '')?.[0]);

test('two issues of one draft at once give one number and one posting', async () => {
  for (let round = 0; round < 5; round++) {
    const draft = await newDraft();
    const answers = await Promise.all([1, 2].map(() => put(clinic.a, draft, { status: 'issued' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ json }) => numberOf(json))).size).toBe(1);
    expect(await ledgerOf(clinic.server, clinic.a, draft.id)).toEqual({ '1200': 10_000, '2400': -10_000 });
  }
});

test('an issue and another PUT of the lines: one of them comes first, and what is posted is what stands', async () => {
  for (let round = 0; round < 10; round++) {
    const draft = await newDraft();
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...rest } = draft;
    const [issue, change] = await Promise.all([
      clinic.a.request('PATCH', `/Invoice/${draft.id}`, [{ op: 'replace', path: '/status', value: 'issued' }], {
        'Content-Type': 'application/json-patch+json',
      }),
      put(clinic.a, rest, { lineItem: [line(base(250))] }),
    ]);
    const stored = await current(clinic.a, draft);
    expect([issue.status, stored.status]).toEqual([200, 'issued']);
    // An issued Invoice is no draft again: SM-2.
    expect([200, 422]).toContain(change.status);
    expect(stored.totalGross).toEqual(usd(change.status === 200 ? 250 : 100));
    expect(await ledgerOf(clinic.server, clinic.a, draft.id)).toMatchObject({ '1200': stored.totalGross.value * 100 });
  }
});

test('twenty drafts of two clinics issued at once have numbers without a gap in each', async () => {
  const { b } = clinic.server;
  const other = await newPatient(b);
  const tenants = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? clinic.a : b));
  const drafts = await Promise.all(
    tenants.map((tenant) => newDraft(tenant, tenant === clinic.a ? clinic.patient : other)),
  );
  const answers = await Promise.all(drafts.map((draft, index) => put(tenants[index]!, draft, { status: 'issued' })));
  for (const tenant of [clinic.a, b]) {
    const counts = answers.filter((_, index) => tenants[index] === tenant).map(({ json }) => count(json));
    const first = Math.min(...counts);
    expect(counts.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 10 }, (_, index) => first + index));
  }
});

test('a cancellation and a payment at once: the Invoice is paid or cancelled, never both', async () => {
  for (let round = 0; round < 3; round++) {
    const invoice = (await put(clinic.a, await newDraft(), { status: 'issued' })).json;
    const [cancelled, paid] = await Promise.all([
      put(clinic.a, invoice, { status: 'cancelled', cancelledReason: 'x' }),
      clinic.a.request('POST', '/PaymentReconciliation', cash(clinic.patient, invoice.id, 100)),
    ]);
    const stored = await current(clinic.a, invoice);
    const ledger = await ledgerOf(clinic.server, clinic.a, invoice.id);
    if (cancelled.status === 200) {
      expect([paid.status, stored.status]).toEqual([409, 'cancelled']);
      expect(ledger).toEqual({ '1200': 0, '2400': 0 });
    } else {
      expect([cancelled.status, paid.status, payment(stored)]).toEqual([409, 201, ['balanced', 'paid', 0]]);
      expect(ledger).toEqual({ '1200': 0, '2400': 0, '4000': -10_000 });
    }
  }
});
