// A fulfilled Appointment is billed exactly once: domain.md S1-P3-3, S2-FR-B01, 3.6; contract.md 23 to 26.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment, ChargeItem, Extension, Invoice, Task } from '@medplum/fhirtypes';
import {
  buildAppointment,
  buildLocation,
  buildOrganization,
  buildPatient,
  buildPractitioner,
  buildPractitionerRole,
} from '../../support/builders.ts';
import { Clinic } from './clinic.ts';
import { base, concept, definition, forDepartment, forPractitioner, tax, taxCategory, taxInclusive } from './prices.ts';

const autoInvoice = 'https://hpms.example/fhir/sid/auto-invoice';

let clinic: Clinic;
let patient: string;
let practitioner: string;

beforeAll(async () => {
  clinic = await Clinic.open();
  patient = await clinic.create(buildPatient());
  practitioner = await clinic.create(buildPractitioner());
});

afterAll(() => clinic.close());

/** Each test has a visit type, and so a price list, of its own. */
let visitTypes = 0;
function nextVisitType(): string {
  visitTypes += 1;
  return `type-${visitTypes}`;
}

function visit(visitType: string, overrides: Partial<Appointment> = {}): Appointment {
  return buildAppointment(`Patient/${patient}`, `Practitioner/${practitioner}`, {
    appointmentType: concept(visitType),
    ...overrides,
  });
}

async function invoicesOf(appointmentId: string): Promise<Invoice[]> {
  const invoices = await clinic.all<Invoice>('Invoice');
  return invoices.filter(({ identifier }) =>
    identifier?.some(({ system, value }) => system === autoInvoice && value === appointmentId),
  );
}

async function invoiceOf(appointmentId: string): Promise<Invoice> {
  const [invoice, ...more] = await invoicesOf(appointmentId);
  expect(more).toEqual([]);
  return invoice!;
}

async function tasksOf(invoice: Invoice): Promise<Task[]> {
  const tasks = await clinic.all<Task>('Task');
  return tasks.filter(({ focus }) => focus?.reference === `Invoice/${invoice.id}`);
}

function usd(value: number) {
  return { value, currency: 'USD' };
}

describe('a fulfilled Appointment', () => {
  test('gets a ChargeItem and a draft Invoice at the price of its visit type', async () => {
    const code = nextVisitType();
    const price = definition([base(100), { type: 'discount', factor: 0.125 }, tax(0.19)], {
      code: concept(code),
      version: '3',
    });
    await clinic.create(price);
    const appointmentId = await clinic.bill(visit(code));
    const invoice = await invoiceOf(appointmentId);
    expect(invoice).toMatchObject({
      status: 'draft',
      subject: { reference: `Patient/${patient}` },
      participant: [{ actor: { reference: `Practitioner/${practitioner}` } }],
      totalNet: usd(87.5),
      totalGross: usd(104.13),
    });
    const [line, ...more] = invoice.lineItem!;
    expect(more).toEqual([]);
    expect(line!.priceComponent).toEqual([
      { type: 'base', amount: usd(100) },
      { type: 'discount', factor: 0.125, amount: usd(-12.5) },
      { type: 'tax', code: { text: 'VAT' }, factor: 0.19, amount: usd(16.63) },
    ]);
    const chargeItems = await clinic.all<ChargeItem>('ChargeItem');
    const chargeItem = chargeItems.find(({ id }) => line!.chargeItemReference?.reference === `ChargeItem/${id}`);
    expect(chargeItem).toMatchObject({
      status: 'billable',
      definitionCanonical: [`${price.url}|3`],
      code: concept(code),
      subject: { reference: `Patient/${patient}` },
      performer: [{ actor: { reference: `Practitioner/${practitioner}` } }],
      occurrencePeriod: { start: '2026-11-23T09:00:00Z', end: '2026-11-23T09:30:00Z' },
      supportingInformation: [{ reference: `Appointment/${appointmentId}` }],
    });
    expect(chargeItem).not.toHaveProperty('context');
    expect(await tasksOf(invoice)).toEqual([]);
  });

  test('has its amounts written with all decimals of the currency', async () => {
    const code = nextVisitType();
    await clinic.create(definition([base(100), tax(0.1)], { code: concept(code) }));
    const { id } = await invoiceOf(await clinic.bill(visit(code)));
    const text = (await clinic.texts('Invoice')).find((one) => one.includes(`"${id}"`));
    expect(text).toContain(
      '"totalNet":{"value":100.00,"currency":"USD"},"totalGross":{"value":110.00,"currency":"USD"}',
    );
  });

  test('is charged in the context of its Encounter', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    const encounter = await clinic.create({
      resourceType: 'Encounter',
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      subject: { reference: `Patient/${patient}` },
      appointment: [{ reference: `Appointment/${event.resourceId}` }],
    });
    await clinic.runJob(event);
    const chargeItems = await clinic.all<ChargeItem>('ChargeItem');
    const chargeItem = chargeItems.find((item) => item.context?.reference === `Encounter/${encounter}`);
    expect(chargeItem?.supportingInformation).toEqual([{ reference: `Appointment/${event.resourceId}` }]);
    const [task] = await tasksOf(await invoiceOf(event.resourceId));
    expect(task?.encounter).toEqual({ reference: `Encounter/${encounter}` });
  });

  test('without a price gets a line of zero and one Task that says so', async () => {
    const invoice = await invoiceOf(await clinic.bill(visit(nextVisitType())));
    expect(invoice.lineItem?.[0]?.priceComponent).toEqual([{ type: 'base', amount: usd(0) }]);
    expect([invoice.totalNet, invoice.totalGross]).toEqual([usd(0), usd(0)]);
    expect(await tasksOf(invoice)).toMatchObject([
      {
        status: 'requested',
        code: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/task-code', code: 'pricing-missing' }] },
        for: { reference: `Patient/${patient}` },
      },
    ]);
  });

  test('without a patient gets an Invoice without subject, whose line names the code itself', async () => {
    const code = nextVisitType();
    await clinic.create(definition([base(100)], { code: concept(code) }));
    const participant = [{ actor: { reference: `Practitioner/${practitioner}` }, status: 'accepted' as const }];
    const invoice = await invoiceOf(await clinic.bill(visit(code, { participant })));
    expect(invoice).not.toHaveProperty('subject');
    expect(invoice.lineItem?.[0]).toMatchObject({ sequence: 1, chargeItemCodeableConcept: concept(code) });
    expect(invoice.totalGross).toEqual(usd(100));
  });
});

describe('the price', () => {
  test('is that of the practitioner, else of a department, else of all', async () => {
    const code = nextVisitType();
    const [ofLocation, ofRole] = [await clinic.create(buildOrganization()), await clinic.create(buildOrganization())];
    const specialist = await clinic.create(buildPractitioner());
    await clinic.create(buildPractitionerRole(`Practitioner/${practitioner}`, `Organization/${ofRole}`));
    const managingOrganization = { reference: `Organization/${ofLocation}` };
    const location = await clinic.create(buildLocation({ managingOrganization }));
    const priced = (amount: number, extension?: Extension) =>
      clinic.create(definition([base(amount)], { code: concept(code), ...(extension && { extension: [extension] }) }));
    const participant = (...references: string[]) =>
      [`Patient/${patient}`, ...references].map((reference) => ({ actor: { reference }, status: 'accepted' as const }));
    const grossAt = async (...references: string[]) => {
      const appointmentId = await clinic.bill(visit(code, { participant: participant(...references) }));
      return (await invoiceOf(appointmentId)).totalGross?.value;
    };
    await priced(10);
    await priced(20, forDepartment(ofRole));
    await priced(30, forDepartment(ofLocation));
    await priced(40, forPractitioner(specialist));
    expect(await grossAt(`Practitioner/${practitioner}`)).toBe(20);
    expect(await grossAt(`Location/${location}`)).toBe(30);
    expect(await grossAt(`Practitioner/${specialist}`, `Location/${location}`)).toBe(40);
    expect(await grossAt()).toBe(10);
  });

  test('of a role that is not active any more does not count', async () => {
    const code = nextVisitType();
    const left = await clinic.create(buildOrganization());
    await clinic.create(
      buildPractitionerRole(`Practitioner/${practitioner}`, `Organization/${left}`, { active: false }),
    );
    await clinic.create(definition([base(10)], { code: concept(code) }));
    await clinic.create(definition([base(20)], { code: concept(code), extension: [forDepartment(left)] }));
    expect((await invoiceOf(await clinic.bill(visit(code)))).totalGross).toEqual(usd(10));
  });

  test('is of a PractitionerRole that takes part, and of its department', async () => {
    const code = nextVisitType();
    const department = await clinic.create(buildOrganization());
    const other = await clinic.create(buildPractitioner());
    const role = await clinic.create(buildPractitionerRole(`Practitioner/${other}`, `Organization/${department}`));
    await clinic.create(
      definition([base(50)], { code: concept(code), extension: [forPractitioner(other), forDepartment(department)] }),
    );
    const participant = [`Patient/${patient}`, `PractitionerRole/${role}`].map((reference) => ({
      actor: { reference },
      status: 'accepted' as const,
    }));
    expect((await invoiceOf(await clinic.bill(visit(code, { participant })))).totalGross).toEqual(usd(50));
  });

  test('holds the taxes of its category, taken out where it is gross', async () => {
    const code = nextVisitType();
    const category = taxCategory(code);
    await clinic.create(definition([base(121)], { code: concept(code), extension: [taxInclusive, category] }));
    const { code: _, ...taxes } = definition([tax(0.19, 'VAT'), tax(0.02, 'city')], { extension: [category] });
    await clinic.create(taxes);
    const invoice = await invoiceOf(await clinic.bill(visit(code)));
    expect(invoice.totalPriceComponent?.map(({ amount }) => amount)).toEqual([usd(100), usd(19), usd(2)]);
  });

  test('is as new as the price list, which is changed, retired and deleted', async () => {
    const code = nextVisitType();
    const grossNow = async () => (await invoiceOf(await clinic.bill(visit(code)))).totalGross?.value;
    const id = await clinic.create(definition([base(10)], { code: concept(code) }));
    expect(await grossNow()).toBe(10);
    expect(await grossNow()).toBe(10);
    await clinic.update(definition([base(11)], { id, code: concept(code) }));
    expect(await grossNow()).toBe(11);
    await clinic.update(definition([base(11)], { id, code: concept(code), status: 'retired' }));
    expect(await grossNow()).toBe(0);
    await clinic.update(definition([base(12)], { id, code: concept(code) }));
    expect(await grossNow()).toBe(12);
    await clinic.write({ action: 'delete', type: 'ChargeItemDefinition', id });
    expect(await grossNow()).toBe(0);
  });

  test('is in the currency of the clinic, with its smallest unit', async () => {
    const code = nextVisitType();
    await clinic.create(definition([base(100)], { code: concept(code) }));
    await clinic.create(definition([base(1.005, 'KWD'), tax(0.05)], { code: concept(code) }));
    clinic.currency = 'KWD';
    const invoice = await invoiceOf(await clinic.bill(visit(code)));
    clinic.currency = 'USD';
    expect(invoice.totalGross).toEqual({ value: 1.055, currency: 'KWD' });
    expect((await invoiceOf(await clinic.bill(visit(code)))).totalGross).toEqual(usd(100));
  });

  test('that no JSON number can hold counts as none', async () => {
    const code = nextVisitType();
    await clinic.create(definition([base(9_999_999_999_999), tax(0.19)], { code: concept(code) }));
    const invoice = await invoiceOf(await clinic.bill(visit(code)));
    expect(invoice.totalGross).toEqual(usd(0));
    expect(await tasksOf(invoice)).toHaveLength(1);
  });
});

describe('exactly one', () => {
  test('Invoice comes of an event that is delivered twenty times at once', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    await Promise.all(Array.from({ length: 20 }, () => clinic.runJob(event)));
    const invoice = await invoiceOf(event.resourceId);
    expect(await tasksOf(invoice)).toHaveLength(1);
  });

  test('event comes of an Appointment that is written as fulfilled again and again', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    await clinic.update({ ...visit('x'), id: event.resourceId, status: 'fulfilled' });
    await clinic.write({ action: 'delete', type: 'Appointment', id: event.resourceId });
    await clinic.update({ ...visit('x'), id: event.resourceId, status: 'fulfilled' });
    expect(await clinic.events(event.resourceId)).toHaveLength(1);
  });

  test('nothing is left of a job that fails after it has written', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    const failing = clinic.inSession(async (session) => {
      await clinic.job.run(event, session);
      throw new Error('killed');
    });
    await expect(failing).rejects.toThrow('killed');
    expect(await invoicesOf(event.resourceId)).toEqual([]);
    await clinic.runJob(event);
    expect(await invoicesOf(event.resourceId)).toHaveLength(1);
  });
});

describe('nothing is billed', () => {
  test('for an Appointment that is deleted, or was an error, before the job runs', async () => {
    const deleted = await clinic.fulfil(visit(nextVisitType()));
    await clinic.write({ action: 'delete', type: 'Appointment', id: deleted.resourceId });
    const mistaken = await clinic.fulfil(visit(nextVisitType()));
    await clinic.update({ ...visit('x'), id: mistaken.resourceId, status: 'entered-in-error' });
    for (const event of [deleted, mistaken]) {
      await clinic.runJob(event);
      expect(await invoicesOf(event.resourceId)).toEqual([]);
    }
  });

  test('before a change of the Appointment under way is decided', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    let running: Promise<void> | undefined;
    await clinic.inSession(async ({ trx }) => {
      await trx.query({ text: 'SELECT FROM resource WHERE id = $1 FOR UPDATE', values: [event.resourceId] });
      running = clinic.runJob(event);
      await Promise.race([running, waitUntilBlocked(clinic)]);
      expect(await invoicesOf(event.resourceId)).toEqual([]);
    });
    await running;
    expect(await invoicesOf(event.resourceId)).toHaveLength(1);
  });
});

/** Another session of the database waits for a lock. */
async function waitUntilBlocked(of: Clinic): Promise<void> {
  const isBlocked = () =>
    of.inSession(({ trx }) => trx.query({ text: 'SELECT FROM pg_catalog.pg_locks WHERE NOT granted LIMIT 1' }));
  while ((await isBlocked()).length === 0);
}

describe('an Invoice that a client makes with the automatic identifier', () => {
  function manual(appointmentId: string, overrides: Partial<Invoice> = {}): Invoice {
    return {
      resourceType: 'Invoice',
      status: 'draft',
      identifier: [{ system: autoInvoice, value: appointmentId }],
      lineItem: [{ chargeItemCodeableConcept: { text: 'Visit' } }],
      ...overrides,
    };
  }

  test('takes the key: the job adds none', async () => {
    const event = await clinic.fulfil(visit(nextVisitType()));
    const id = await clinic.create(manual(event.resourceId));
    await clinic.runJob(event);
    expect((await invoiceOf(event.resourceId)).id).toBe(id);
  });

  test('and the job at the same moment make one of the two', async () => {
    for (let round = 0; round < 10; round++) {
      const event = await clinic.fulfil(visit(nextVisitType()));
      const [byClient] = await Promise.allSettled([clinic.create(manual(event.resourceId)), clinic.runJob(event)]);
      const invoice = await invoiceOf(event.resourceId);
      if (byClient.status === 'fulfilled') expect(invoice.id).toBe(byClient.value);
      else expect(byClient.reason).toMatchObject({ status: 409 });
    }
  });

  test('is refused with 409 when another Invoice has it, by POST, PUT and twice in one bundle', async () => {
    const appointmentId = await clinic.bill(visit(nextVisitType()));
    const conflict = { status: 409, issues: [{ code: 'conflict', expression: ['Invoice.identifier'] }] };
    await expect(clinic.create(manual(appointmentId))).rejects.toMatchObject(conflict);
    const plain = await clinic.create(manual('', { identifier: [{ value: 'own' }] }));
    await expect(clinic.update({ ...manual(appointmentId), id: plain })).rejects.toMatchObject(conflict);
    const free = await clinic.fulfil(visit(nextVisitType()));
    const twice = [manual(free.resourceId), manual(free.resourceId)];
    await expect(
      clinic.write(...twice.map((resource) => ({ action: 'create' as const, resource }))),
    ).rejects.toMatchObject({ ...conflict, writeIndex: 1 });
    expect(await invoicesOf(free.resourceId)).toEqual([]);
  });

  test('may be updated by whoever has it', async () => {
    const invoice = await invoiceOf(await clinic.bill(visit(nextVisitType())));
    await clinic.update({ ...invoice, note: [{ text: 'checked' }] });
    expect((await invoiceOf(invoice.identifier![0]!.value!)).note).toEqual([{ text: 'checked' }]);
  });

  test('keeps a text that is no id out of the plain column', async () => {
    await clinic.create(manual('Eva Muster'));
    const rows = await clinic.inSession(({ trx }) =>
      trx.query({ text: "SELECT FROM auto_invoice WHERE appointment_id LIKE '% %'" }),
    );
    expect(rows).toEqual([]);
  });
});
