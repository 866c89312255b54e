// The clinic's main line over HTTP: an Appointment becomes fulfilled, by whatever way, and the queue makes one draft Invoice
// (domain.md S1-P3, S2-UC-02, S2-FR-B01, 3.6; contract.md 7, 26).

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, AuditEvent, Bundle, ChargeItem, Invoice, Resource, Task } from '@medplum/fhirtypes';
import { runSql } from '../../jobs/job-bed.ts';
import { buildPrice } from '../../support/builders.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { Desk, type Stored, tally } from './desk.ts';

let server: TestServer;
let desk: Desk;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  desk = await Desk.open(server.a);
  expect((await server.a.request('POST', '/ChargeItemDefinition', buildPrice(80))).status).toBe(201);
});
afterAll(() => server.close());
beforeEach(async () => {
  doctor = await desk.practitioner();
});

const nine = (extra: Partial<Appointment> = {}) => desk.visit(doctor, '09:00', '09:30', extra);

async function search<T extends Resource>(path: string): Promise<Stored<T>[]> {
  const { json } = await server.a.request('GET', path);
  return ((json as Bundle).entry ?? []).map(({ resource }) => resource as Stored<T>);
}

const invoicesOf = (visit: Stored<Appointment>) =>
  search<Invoice>(`/Invoice?identifier=https://hpms.example/fhir/sid/auto-invoice|${visit.id}`);

/** Waits until the outbox holds no event that is not done. */
async function allEventsDone(): Promise<void> {
  const undone = "SELECT FROM store.outbox WHERE status <> 'done'";
  while ((await runSql(server.database.url, undone)).length > 0) await delay(10);
}

async function requireOneInvoice(visit: Stored<Appointment>, gross = 80): Promise<Stored<Invoice>> {
  await allEventsDone();
  const [invoice, ...more] = await invoicesOf(visit);
  expect(more).toEqual([]);
  expect(invoice).toMatchObject({ status: 'draft', totalGross: { value: gross, currency: 'USD' } });
  return invoice!;
}

describe('fulfilled', () => {
  test('step by step with PUT: one Invoice, one ChargeItem, and each step in the audit', async () => {
    let visit = await desk.booked(nine());
    for (const status of ['arrived', 'checked-in', 'fulfilled'] as const) {
      const answer = await desk.put({ ...visit, status });
      expect(answer.status).toBe(200);
      visit = answer.json;
    }
    const invoice = await requireOneInvoice(visit);
    const [line] = invoice.lineItem!;
    const [chargeItem] = await search<ChargeItem>(
      `/ChargeItem?_id=${line!.chargeItemReference!.reference!.split('/')[1]}`,
    );
    expect(chargeItem).toMatchObject({ supportingInformation: [{ reference: `Appointment/${visit.id}` }] });
    const audits = await search<AuditEvent>(`/AuditEvent?entity=Appointment/${visit.id}&action=C,U,D`);
    expect(audits.map(({ action }) => action).sort()).toEqual(['C', 'U', 'U', 'U']);
    expect(await search<AuditEvent>(`/AuditEvent?entity=Invoice/${invoice.id}&action=C,U,D`)).toHaveLength(1);
  });

  test('by JSON Patch', async () => {
    const visit = await desk.booked(nine());
    const patch = JSON.stringify([{ op: 'replace', path: '/status', value: 'fulfilled' }]);
    const headers = { 'Content-Type': 'application/json-patch+json' };
    expect((await server.a.request('PATCH', `/Appointment/${visit.id}`, patch, headers)).status).toBe(200);
    await requireOneInvoice(visit);
  });

  test('by an entry of a transaction', async () => {
    const visit = await desk.booked(nine());
    const { status } = await desk.transaction({ method: 'PUT', visit: { ...visit, status: 'fulfilled' } });
    expect(status).toBe(200);
    await requireOneInvoice(visit);
  });

  test('from the start, as an import is', async () => {
    await requireOneInvoice(await desk.booked(nine({ status: 'fulfilled' })));
  });

  test('30 at once by one transaction: one Invoice each', async () => {
    const visits = Array.from({ length: 30 }, (_, index) => {
      const clock = (minute: number) =>
        `${8 + Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`.padStart(5, '0');
      return {
        method: 'POST' as const,
        visit: desk.visit(doctor, clock(index * 10), clock(index * 10 + 10), { status: 'fulfilled' }),
      };
    });
    const { status, json } = await desk.transaction(...visits);
    expect(status).toBe(200);
    await allEventsDone();
    for (const { resource } of (json as Bundle).entry!) {
      expect(await invoicesOf(resource as Stored<Appointment>)).toHaveLength(1);
    }
  });

  test('again and again: 20 PUTs at once, then one more, are one Invoice', async () => {
    const visit = await desk.booked(nine());
    const fulfilled = { ...visit, status: 'fulfilled' as const };
    const answers = await Promise.all(Array.from({ length: 20 }, () => desk.put(fulfilled)));
    expect(tally(answers)).toEqual({ 200: 20 });
    await requireOneInvoice(visit);
    expect((await desk.put(fulfilled)).status).toBe(200);
    await requireOneInvoice(visit);
    const events = await runSql(server.database.url, 'SELECT FROM store.outbox WHERE resource_id = $1', [visit.id]);
    expect(events).toHaveLength(1);
  });

  test('by two transactions at once that hold the same visits in opposite orders: one Invoice each', async () => {
    const visits = [await desk.booked(nine()), await desk.booked(desk.visit(doctor, '10:00', '10:30'))];
    const entries = visits.map((visit) => ({
      method: 'PUT' as const,
      visit: { ...visit, status: 'fulfilled' as const },
    }));
    const answers = await Promise.all([desk.transaction(...entries), desk.transaction(...[...entries].reverse())]);
    expect(tally(answers)).toEqual({ 200: 2 });
    for (const visit of visits) await requireOneInvoice(visit);
  });
});

describe('not billed', () => {
  test('with the tag no-billing: contract.md 7', async () => {
    const tag = [{ system: 'https://hpms.example/fhir/CodeSystem/tag', code: 'no-billing' }];
    const visit = await desk.booked(nine({ status: 'fulfilled', meta: { tag } }));
    await allEventsDone();
    expect(await invoicesOf(visit)).toEqual([]);
    expect(await runSql(server.database.url, 'SELECT FROM store.outbox WHERE resource_id = $1', [visit.id])).toEqual(
      [],
    );
  });

  test.each(['booked', 'arrived', 'cancelled', 'noshow', 'entered-in-error'] as const)('%s', async (status) => {
    const cancelationReason = status === 'cancelled' || status === 'noshow' ? { cancelationReason: { text: 'x' } } : {};
    const visit = await desk.booked(nine({ status, ...cancelationReason }));
    await allEventsDone();
    expect(await invoicesOf(visit)).toEqual([]);
  });

  test('when the transaction that says so fails', async () => {
    const visit = await desk.booked(nine());
    const clashing = { method: 'POST' as const, visit: nine() };
    const answer = await desk.transaction({ method: 'PUT', visit: { ...visit, status: 'fulfilled' } }, clashing);
    expect(answer.status).toBe(409);
    await allEventsDone();
    expect(await invoicesOf(visit)).toEqual([]);
  });
});

describe('without a price', () => {
  test('there is a draft with a line of zero, and a Task that says so: contract.md 26', async () => {
    const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'never-priced' }];
    const visit = await desk.booked(nine({ status: 'fulfilled', appointmentType: { coding } }));
    const invoice = await requireOneInvoice(visit, 0);
    expect(invoice.lineItem?.[0]?.priceComponent).toEqual([{ type: 'base', amount: { value: 0, currency: 'USD' } }]);
    const code = 'https://hpms.example/fhir/CodeSystem/task-code|pricing-missing';
    const tasks = (await search<Task>(`/Task?code=${code}`)).filter(
      ({ focus }) => focus?.reference === `Invoice/${invoice.id}`,
    );
    expect(tasks).toMatchObject([{ status: 'requested' }]);
  });
});
