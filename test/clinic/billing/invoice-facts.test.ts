// The typed rows of Invoices say what the Invoices say, in the same transaction, and nothing that tells who a patient is: domain.md 3.5, 3.7.

import { expect, test } from '@jest/globals';
import { type InvoiceFacts, readInvoiceFacts } from '../../../src/clinic/billing/invoice-facts.ts';
import type { Session } from '../../../src/repository/session.ts';
import {
  base,
  discount,
  extensionOf,
  invoiceFor,
  issued,
  line,
  made,
  noteFor,
  put,
  tax,
  usd,
  useBilling,
} from '../../api/invoice-world.ts';

const clinic = useBilling();

async function factsOf(id: string, tenant = clinic.a): Promise<InvoiceFacts | undefined> {
  const { tenantDoor } = clinic.server.app.doors;
  // Of a session these rows need the transaction only.
  return await tenantDoor(tenant.id, async (trx) => (await readInvoiceFacts({ trx } as Session, [id])).get(id));
}

test('of a draft follow each of its versions, and end with it', async () => {
  const { a, patient } = clinic;
  const participant = [{ actor: { reference: 'Practitioner/p1' } }];
  const draft = await made(a, invoiceFor(patient, [line(base(100), discount(0.1), tax(0.2))], { participant }));
  expect(await factsOf(draft.id)).toEqual({
    id: draft.id,
    kind: 'invoice',
    status: 'draft',
    isImported: false,
    patientId: patient.slice('Patient/'.length),
    practitionerId: 'p1',
    departmentId: undefined,
    appointmentId: undefined,
    correctsId: undefined,
    currency: 'USD',
    listedMinor: 10_000n,
    discountMinor: -1000n,
    netMinor: 9000n,
    taxMinor: 1800n,
    grossMinor: 10_800n,
    issuedOn: undefined,
    dueOn: undefined,
  });
  const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...rest } = draft;
  await put(a, rest, { lineItem: [line(base(7))] });
  expect(await factsOf(draft.id)).toMatchObject({ grossMinor: 700n, discountMinor: 0n });
  await a.request('DELETE', `/Invoice/${draft.id}`);
  expect(await factsOf(draft.id)).toBeUndefined();
});

test('know the day of issue, and keep it when the Invoice is cancelled', async () => {
  const { a, patient } = clinic;
  const invoice = await issued(a, patient, [line(base(100))]);
  const dueOn = extensionOf(invoice, 'due-date').valueDate;
  expect(await factsOf(invoice.id)).toMatchObject({ status: 'issued', issuedOn: invoice.date.slice(0, 10), dueOn });
  await put(a, invoice, { status: 'cancelled', cancelledReason: 'x' });
  expect(await factsOf(invoice.id)).toMatchObject({ status: 'cancelled', issuedOn: invoice.date.slice(0, 10) });
});

test('tell notes, write-offs and money of others apart', async () => {
  const { a, patient } = clinic;
  const invoice = await issued(a, patient, [line(base(100))]);
  const note = await made(a, noteFor(patient, invoice.id, -10));
  const writeOff = await made(a, noteFor(patient, invoice.id, -10, 'BAD_DEBT'));
  const outside = await made(a, {
    resourceType: 'Invoice',
    status: 'balanced',
    totalNet: usd(10),
    totalGross: usd(12),
  });
  expect(await factsOf(note.id)).toMatchObject({ kind: 'credit-note', correctsId: invoice.id, grossMinor: -1000n });
  expect(await factsOf(writeOff.id)).toMatchObject({ kind: 'write-off', correctsId: invoice.id });
  expect(await factsOf(outside.id)).toMatchObject({
    isImported: true,
    netMinor: 1000n,
    taxMinor: 200n,
    issuedOn: undefined,
  });
});

test('are of their own clinic', async () => {
  const invoice = await issued(clinic.a, clinic.patient, [line(base(100))]);
  expect(await factsOf(invoice.id, clinic.server.b)).toBeUndefined();
});
