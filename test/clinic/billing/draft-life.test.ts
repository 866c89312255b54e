// Drafts of Invoices: whom they are for, the Task for a price that is missing, how they end, and who names prices (contract.md 26, 27, 48; domain.md section 5, SM-2).

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { rowRule } from '../../../src/access/row-rule.ts';
import { clientOf } from '../../api/clients.ts';
import {
  base,
  cash,
  cs,
  current,
  discount,
  invoiceFor,
  issued,
  type Json,
  line,
  made,
  newPatient,
  numberOf,
  put,
  tax,
  usd,
  useBilling,
} from '../../api/invoice-world.ts';
import { runSql } from '../../jobs/job-bed.ts';

const clinic = useBilling();

/** A client that holds the role of patients and stands for this one (contract.md 47). */
const appOf = (patient: string) => clientOf(clinic.server, clinic.a, 'user/*.cruds', ['patient'], patient);

const idsOf = ({ entry = [] }: { entry?: { resource: { id: string } }[] }) => entry.map(({ resource }) => resource.id);

describe('a patient', () => {
  test('sees what was issued and no draft, by whatever way it is asked for (domain.md 5)', async () => {
    const { a } = clinic;
    const patient = await newPatient(a);
    const app = await appOf(patient);
    const bill = await issued(a, patient, [line(base(10))]);
    const ask = async (path: string) => (await app.request('GET', path)).json;
    const once = await made(a, invoiceFor(patient, [line(base(20))]));
    const { json: later } = await put(a, once, { status: 'issued' });
    const code = { text: 'Dressing' };
    const subject = { reference: patient };
    const item = await made(a, { resourceType: 'ChargeItem', status: 'billable', code, subject });
    const charge = { chargeItemReference: { reference: `ChargeItem/${item.id}` }, priceComponent: [base(30)] };
    const draft = await made(a, invoiceFor(patient, [charge]));
    const theirs = [bill.id, later.id].sort();
    const [id] = patient.split('/').slice(1);
    for (const path of [
      '/Invoice',
      '/Invoice?status=draft,issued',
      `/Invoice?subject=${patient}`,
      `/Patient/${id}/Invoice`,
    ]) {
      expect([path, idsOf(await ask(path)).sort()]).toEqual([path, theirs]);
    }
    expect((await ask('/Invoice?_summary=count')).total).toBe(2);
    expect((await ask('/Invoice?status=draft&_total=accurate')).total).toBe(0);
    for (const status of ['draft', 'issued', 'cancelled']) {
      expect((await ask(`/ChargeItem?_has:Invoice:line-item:status=${status}&_total=accurate`)).total).toBe(0);
    }
    for (const path of [`/Invoice/${draft.id}`, `/Invoice/${draft.id}/_history`, `/Invoice/${draft.id}/$render`]) {
      expect([path, (await app.request('GET', path)).status]).toEqual([path, 404]);
    }
    // What it was before it was issued is nobody's bill either.
    expect((await app.request('GET', `/Invoice/${later.id}`)).status).toBe(200);
    expect((await app.request('GET', `/Invoice/${later.id}/_history/1`)).status).toBe(404);
    expect((await ask(`/Invoice/${later.id}/_history`)).entry).toHaveLength(1);
    expect((await a.request('GET', `/Invoice/${draft.id}`)).status).toBe(200);
  });

  test('sees what an issued Invoice charges, and of a draft nothing, by every door', async () => {
    const { a } = clinic;
    const patient = await newPatient(a);
    const app = await appOf(patient);
    const ask = async (path: string) => (await app.request('GET', path)).json;
    const subject = { reference: patient };
    const charge = (code: string) =>
      made(a, { resourceType: 'ChargeItem', status: 'billable', code: { text: code }, subject });
    const lineOf = ({ id }: Json) => ({
      chargeItemReference: { reference: `ChargeItem/${id}` },
      priceComponent: [base(30)],
    });
    const [theirs, hidden] = [await charge('Dressing'), await charge('Splint')];
    const bill = await issued(a, patient, [lineOf(theirs)]);
    const draft = await made(a, invoiceFor(patient, [lineOf(hidden)]));
    const [id] = patient.split('/').slice(1);
    for (const path of [
      '/ChargeItem',
      '/ChargeItem?status=billable,billed',
      `/ChargeItem?subject=${patient}`,
      `/Patient/${id}/ChargeItem`,
      `/ChargeItem?_id=${hidden.id},${theirs.id}`,
      `/ChargeItem?_has:Invoice:line-item:_id=${draft.id},${bill.id}`,
      `/ChargeItem?patient=${patient}`,
    ]) {
      expect([path, idsOf(await ask(path))]).toEqual([path, [theirs.id]]);
    }
    expect((await ask('/ChargeItem?_summary=count')).total).toBe(1);
    expect((await ask(`/ChargeItem?status=billable&_total=accurate`)).total).toBe(0);
    const everything = idsOf(await ask(`/Patient/${id}/*`));
    expect(everything).toContain(theirs.id);
    expect(idsOf(await ask('/Invoice?_include=Invoice:line-item')).sort()).toEqual([bill.id, theirs.id].sort());
    expect(everything).not.toContain(hidden.id);
    for (const path of ['', '/_history', '/_history/1']) {
      expect([path, (await app.request('GET', `/ChargeItem/${hidden.id}${path}`)).status]).toEqual([path, 404]);
    }
    const get = (url: string) => ({ request: { method: 'GET', url } });
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [get(`ChargeItem/${hidden.id}`), get('ChargeItem')] };
    const { json } = await app.request('POST', '', batch);
    expect(json.entry[0].response.status).toMatch(/^404/);
    expect(idsOf(json.entry[1].resource)).toEqual([theirs.id]);
    // What it was before it was billed is nobody's charge either.
    expect((await app.request('GET', `/ChargeItem/${theirs.id}`)).status).toBe(200);
    expect((await app.request('GET', `/ChargeItem/${theirs.id}/_history/1`)).status).toBe(404);
    expect((await ask(`/ChargeItem/${theirs.id}/_history`)).entry).toHaveLength(1);
    expect(idsOf((await a.request('GET', `/ChargeItem?subject=${patient}`)).json)).toHaveLength(2);
  });

  test('books no payment, and changes neither Invoices, Accounts nor the ledger: 403', async () => {
    const { a } = clinic;
    const patient = await newPatient(a);
    const app = await appOf(patient);
    const bill = await issued(a, patient, [line(base(10))]);
    const account = await made(a, { resourceType: 'Account', status: 'active', subject: [{ reference: patient }] });
    const payment = {
      resourceType: 'PaymentReconciliation',
      status: 'active',
      outcome: 'complete',
      created: '2026-11-20',
      paymentDate: '2026-11-20',
      paymentAmount: usd(10),
    };
    const paid = cash(patient, bill.id, 10);
    const transaction = (method: string, url: string, resource: Json) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ request: { method, url }, resource }],
    });
    const asked: readonly [string, string, Json][] = [
      ['POST', '/PaymentReconciliation', paid],
      ['POST', '', transaction('POST', 'PaymentReconciliation', paid)],
      ['PUT', '/PaymentReconciliation/p-1', { ...paid, id: 'p-1' }],
      ['POST', '/Invoice', invoiceFor(patient, [line(base(1))])],
      ['PUT', `/Invoice/${bill.id}`, { ...bill, status: 'cancelled', cancelledReason: 'x' }],
      ['PUT', `/Account/${account.id}`, { ...account, status: 'inactive' }],
      ['POST', '/Account', { resourceType: 'Account', status: 'active', subject: [{ reference: patient }] }],
      [
        'POST',
        '/Basic',
        { resourceType: 'Basic', code: { coding: [{ system: `${cs}/basic-code`, code: 'ledger-transaction' }] } },
      ],
      ['DELETE', `/Invoice/${bill.id}`, {}],
    ];
    for (const [method, path, body] of asked) {
      const { status } = await app.request(method, path, body);
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    // Nor a record that is no money of the clinic's.
    expect((await app.request('POST', '/PaymentReconciliation', payment)).status).toBe(403);
    expect((await current(a, bill)).status).toBe('issued');
  });
});

test('a person who is a patient reaches what was issued only, through whatever app and role', () => {
  const permissions = new Set(['r', 's'] as const);
  const details = { tenantId: 1, clientId: 'app', agent: { display: 'app' }, roles: new Set<string>() } as const;
  const fhirUser = 'Patient/p';
  const expected = [
    [
      { kind: 'patient', id: 'p' },
      { kind: 'constraint', query: '_security:not=NOPAT' },
      { kind: 'constraint', query: 'status=issued,balanced,cancelled' },
    ],
  ];
  for (const grant of [
    { context: 'user', type: '*', permissions },
    { context: 'patient', type: 'Invoice', permissions },
    { context: 'user', type: 'Invoice', permissions, isOwn: true },
  ] as const) {
    const caller = { ...details, kind: 'patient', grants: [grant], fhirUser, patient: 'p' } as const;
    expect(rowRule(caller, 'r', 'Invoice')).toEqual(expected);
  }
});

describe('a price that is missing', () => {
  let days = 0;
  async function unpriced(): Promise<
    [draft: Json & { id: string; resourceType: string; lineItem: Json[] }, task: Json]
  > {
    const { a, server } = clinic;
    days += 1;
    const day = new Date(Date.UTC(2026, 2, days)).toISOString().slice(0, 10);
    const visit = await made(a, {
      resourceType: 'Appointment',
      status: 'fulfilled',
      start: `${day}T09:00:00Z`,
      end: `${day}T09:30:00Z`,
      appointmentType: { coding: [{ system: 'urn:visit', code: 'nobody-knows' }] },
      participant: [{ actor: { reference: await newPatient(a) }, status: 'accepted' }],
    });
    const undone = `SELECT FROM store.outbox WHERE status <> 'done' AND topic = 'appointment.fulfilled'`;
    while ((await runSql(server.database.url, undone)).length > 0) await delay(10);
    const identifier = `https://hpms.example/fhir/sid/auto-invoice|${visit.id}`;
    const found = await a.request('GET', `/Invoice?identifier=${encodeURIComponent(identifier)}`);
    const draft = found.json.entry[0].resource;
    return [draft, await taskOf(draft.id)];
  }
  const taskOf = async (invoice: string) =>
    (await clinic.a.request('GET', `/Task?focus=Invoice/${invoice}`)).json.entry[0].resource;

  test('is asked for by a Task, which is completed when the line gets one', async () => {
    const [draft, task] = await unpriced();
    expect(task).toMatchObject({ status: 'requested', code: { coding: [{ code: 'pricing-missing' }] } });
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...open } = draft;
    expect((await put(clinic.a, open, { note: [{ text: 'x' }] })).status).toBe(200);
    expect((await taskOf(draft.id)).status).toBe('requested');
    const lineItem = [{ ...draft.lineItem[0], priceComponent: [base(70)] }];
    expect((await put(clinic.a, open, { lineItem })).json.totalGross).toEqual(usd(70));
    expect(await taskOf(draft.id)).toMatchObject({ status: 'completed', meta: { versionId: '2' } });
  });

  test('comes from the list as well, once it has one and the line is sent without a price', async () => {
    const [draft] = await unpriced();
    const code = { coding: [{ system: 'urn:visit', code: 'nobody-knows' }] };
    const price = await made(clinic.a, {
      resourceType: 'ChargeItemDefinition',
      url: 'urn:price:late',
      status: 'active',
      code,
      propertyGroup: [{ priceComponent: [base(45)] }],
    });
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...open } = draft;
    const { priceComponent: _, ...bare } = draft.lineItem[0] as Json;
    expect((await put(clinic.a, open, { lineItem: [bare] })).json.totalGross).toEqual(usd(45));
    expect((await taskOf(draft.id)).status).toBe('completed');
    await clinic.a.request('DELETE', `/ChargeItemDefinition/${price.id}`);
  });

  test('is asked for no more when the visit was an error, for its draft is cancelled with it', async () => {
    const [draft] = await unpriced();
    const [{ value }] = draft.identifier as [{ value: string }];
    const visit = await current(clinic.a, { resourceType: 'Appointment', id: value });
    expect((await put(clinic.a, visit, { status: 'entered-in-error' })).status).toBe(200);
    expect((await current(clinic.a, draft)).status).toBe('cancelled');
    expect((await taskOf(draft.id)).status).toBe('cancelled');
  });

  test('is asked for no more when the draft is cancelled, and no other Task is touched', async () => {
    const [draft] = await unpriced();
    const other = await made(clinic.a, {
      resourceType: 'Task',
      status: 'requested',
      intent: 'order',
      focus: { reference: `Invoice/${draft.id}` },
    });
    expect((await put(clinic.a, draft, { status: 'cancelled' })).status).toBe(200);
    const found = await clinic.a.request('GET', `/Task?focus=Invoice/${draft.id}&status=cancelled`);
    expect(idsOf(found.json)).not.toContain(other.id);
    expect(idsOf(found.json)).toHaveLength(1);
    expect((await current(clinic.a, other)).status).toBe('requested');
  });
});

describe('a draft that was cancelled', () => {
  test.each(['cancelled', 'entered-in-error'])('stays as it ended: %s (SM-2)', async (status) => {
    const draft = await made(clinic.a, invoiceFor(clinic.patient, [line(base(10))]));
    const { json: ended } = await put(clinic.a, draft, { status });
    expect((await put(clinic.a, ended)).status).toBe(200);
    for (const changed of [
      { lineItem: [line(base(99))], totalNet: usd(99), totalGross: usd(99), totalPriceComponent: undefined },
      { subject: { reference: await newPatient(clinic.a) } },
      { note: [{ text: 'other' }] },
    ]) {
      expect((await put(clinic.a, ended, changed)).status).toBe(409);
    }
    expect((await put(clinic.a, ended, { status: 'draft' })).status).toBe(422);
    const { meta: _, ...now } = await current(clinic.a, ended);
    expect([now.status, now.totalGross, numberOf(now)]).toEqual([status, usd(10), undefined]);
  });
});

describe('a cashier', () => {
  test('writes a line that is not on the list, and gives away no more than the role may of one that is (contract.md 27)', async () => {
    const { a, server, patient } = clinic;
    const cashier = await clientOf(server, a, 'user/*.cruds', ['cashier']);
    const code = { coding: [{ system: 'urn:visit', code: 'dressing' }] };
    await made(a, {
      resourceType: 'ChargeItemDefinition',
      url: 'urn:price:dressing',
      status: 'active',
      code,
      propertyGroup: [{ priceComponent: [base(40), tax(0.1)] }],
    });
    const free = { chargeItemCodeableConcept: { text: 'Crutches, lent' }, priceComponent: [base(5)] };
    expect((await made(cashier, invoiceFor(patient, [free]))).totalGross).toEqual(usd(5));
    const atOnce = await cashier.request('POST', '/Invoice', invoiceFor(patient, [free], { status: 'issued' }));
    expect([atOnce.status, atOnce.json.status]).toEqual([201, 'issued']);
    const listed = { chargeItemCodeableConcept: code };
    const draft = await made(cashier, invoiceFor(patient, [listed]));
    expect(draft.totalGross).toEqual(usd(44));
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...open } = draft;
    const { json: both } = await put(cashier, open, { lineItem: [...draft.lineItem, free] });
    expect(both.totalGross).toEqual(usd(49));
    const reduced = (factor: number) => ({ ...listed, priceComponent: [base(40), discount(factor), tax(0.1)] });
    expect((await put(cashier, open, { lineItem: [reduced(0.4), free] })).status).toBe(403);
    expect((await put(cashier, open, { lineItem: [reduced(0.1), free] })).status).toBe(200);
    expect((await put(cashier, open, { lineItem: [{ ...free, priceComponent: [base(-5)] }] })).status).toBe(422);
  });
});

describe('who does what with a draft (domain.md SM-2)', () => {
  const writers = ['pharmacist', 'optical-staff', 'lab-technician', 'lab-manager'] as const;
  test.each(writers)('%s drafts, and the till issues it', async (role) => {
    const { a, server, patient } = clinic;
    const [writer, cashier] = [
      await clientOf(server, a, 'user/*.cruds', [role]),
      await clientOf(server, a, 'user/*.cruds', ['cashier']),
    ];
    const lines = [line(base(12))];
    const atOnce = await writer.request('POST', '/Invoice', invoiceFor(patient, lines, { status: 'issued' }));
    expect([atOnce.status, atOnce.json.issue[0].code]).toEqual([403, 'forbidden']);
    const draft = await made(writer, invoiceFor(patient, lines));
    expect((await put(writer, draft, { status: 'issued' })).status).toBe(403);
    expect((await put(cashier, draft, { status: 'issued' })).json.status).toBe('issued');
  });

  test.each(['cancelled', 'entered-in-error'])('a draft becomes %s by billing, not at the till', async (status) => {
    const { a, server, patient } = clinic;
    const cashier = await clientOf(server, a, 'user/*.cruds', ['cashier']);
    const billing = await clientOf(server, a, 'user/*.cruds', ['billing-staff']);
    const draft = await made(cashier, invoiceFor(patient, [line(base(12))]));
    expect((await put(cashier, draft, { status })).status).toBe(403);
    const patch = [{ op: 'replace', path: '/status', value: status }];
    const patched = await cashier.request('PATCH', `/Invoice/${draft.id}`, patch, {
      'Content-Type': 'application/json-patch+json',
    });
    expect(patched.status).toBe(403);
    expect((await put(billing, draft, { status })).json.status).toBe(status);
  });
});
