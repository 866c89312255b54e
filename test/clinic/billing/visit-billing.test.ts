// What a visit costs that took place, that was a follow-up, or that nobody came to: domain.md S5-18, 6, SM-1, contract.md 26.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  cash,
  current,
  extensionOf,
  type Json,
  made,
  newPatient,
  numberOf,
  put,
  usd,
  x,
} from '../../api/invoice-world.ts';
import { runSql } from '../../jobs/job-bed.ts';
import { send, startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';

let server: TestServer;
let a: TestTenant;
beforeAll(async () => {
  server = await startTestServer();
  a = server.a;
});
afterAll(() => server.close());

let days = 0;

/** Each on a day of its own, so that no two clash. */
function visit(patient: string, more: Json = {}) {
  days += 1;
  const day = new Date(Date.UTC(2026, 0, days)).toISOString().slice(0, 10);
  return {
    resourceType: 'Appointment',
    status: 'booked',
    start: `${day}T09:00:00Z`,
    end: `${day}T09:30:00Z`,
    appointmentType: { coding: [{ system: 'urn:visit', code: 'follow-up' }] },
    participant: [patient, 'Practitioner/p1'].map((reference) => ({ actor: { reference }, status: 'accepted' })),
    ...more,
  };
}

async function setting(key: string, value: unknown, tenant = a): Promise<void> {
  const url = `${server.origin}/t/${tenant.name}/admin/settings/${key}`;
  const headers = { Authorization: `Bearer ${tenant.token}`, 'Content-Type': 'application/json' };
  expect((await send(url, 'PUT', { value }, headers)).status).toBeLessThan(300);
}

/** Waits until billing has done what it was told of. */
async function billed(): Promise<void> {
  const undone =
    "SELECT FROM store.outbox WHERE status <> 'done' AND topic IN ('appointment.fulfilled', 'billing.no-show', 'billing.cancelled')";
  while ((await runSql(server.database.url, undone)).length > 0) await delay(10);
}

async function invoicesOf(patient: string, tenant = a) {
  await billed();
  const { json } = await tenant.request('GET', `/Invoice?subject=${patient}&_sort=_lastUpdated`);
  return (json.entry ?? []).map(({ resource }: { resource: unknown }) => resource);
}

async function fulfilled(patient: string) {
  await made(a, visit(patient, { status: 'fulfilled' }));
  return (await invoicesOf(patient)).at(-1);
}

test('a visit that ends in a leap second is billed by the price of its time (FHIR R4, instant: seconds to 60)', async () => {
  const code = { coding: [{ system: 'urn:visit', code: 'at-night' }] };
  await made(a, {
    ...{ resourceType: 'ChargeItemDefinition', url: 'urn:price:night', status: 'active', code },
    effectivePeriod: { start: '2016-12-31', end: '2017-01-01' },
    propertyGroup: [{ priceComponent: [{ type: 'base', amount: usd(70) }] }],
  });
  const patient = await newPatient(a);
  const times = { start: '2016-12-31T23:30:00Z', end: '2016-12-31T23:59:60Z' };
  await made(a, visit(patient, { ...times, status: 'fulfilled', appointmentType: code }));
  const [draft] = await invoicesOf(patient);
  expect(draft.totalGross).toEqual(usd(70));
});

test('who cancels a visit that begins in a leap second too late is charged for it', async () => {
  await setting('fees.late-cancel', { amount: 15, fromCount: 1, noticeHours: 24 });
  const patient = await newPatient(a);
  const times = { start: '2016-12-31T23:59:60Z', end: '2017-01-01T00:30:00Z' };
  const booked = await made(a, visit(patient, times));
  const cancelationReason = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason', code: 'pat' }],
  };
  expect((await put(a, booked, { status: 'cancelled', cancelationReason })).status).toBe(200);
  const [fee] = await invoicesOf(patient);
  expect(fee.totalGross).toEqual(usd(15));
  await setting('fees.late-cancel', null);
});

describe('a follow-up visit', () => {
  beforeAll(async () => {
    await made(a, {
      resourceType: 'ChargeItemDefinition',
      url: 'urn:price:follow-up',
      status: 'active',
      code: { coding: [{ system: 'urn:visit', code: 'follow-up' }] },
      propertyGroup: [{ priceComponent: [{ type: 'base', amount: usd(50) }] }],
      extension: [
        { url: `${x}/valid-visits`, valuePositiveInt: 2 },
        { url: `${x}/valid-days`, valuePositiveInt: 10 },
      ],
    });
  });

  test('costs nothing after a paid one, so often and so long as the price says, and says why', async () => {
    const patient = await newPatient(a);
    const first = await fulfilled(patient);
    expect(first.totalGross).toEqual(usd(50));
    expect((await fulfilled(patient)).totalGross).toEqual(usd(50));
    await put(a, first, { status: 'issued' });
    await made(a, cash(patient, first.id, 50));
    expect((await current(a, first)).status).toBe('balanced');
    const free = [await fulfilled(patient), await fulfilled(patient)];
    expect(free.map(({ totalGross }) => totalGross)).toEqual([usd(0), usd(0)]);
    expect(free[1].lineItem[0].priceComponent[0].code.text).toBe(
      'Free follow-up 2 of 2 within 10 days of a paid visit',
    );
    expect((await fulfilled(patient)).totalGross).toEqual(usd(50));
    const issued = await put(a, free[0], { status: 'issued' });
    expect([issued.json.status, numberOf(issued.json)]).toEqual(['balanced', expect.stringMatching(/^INV-/)]);
  });

  test('is free as often as the price says, also when several end at once', async () => {
    const patient = await newPatient(a);
    const first = await fulfilled(patient);
    await put(a, first, { status: 'issued' });
    await made(a, cash(patient, first.id, 50));
    await Promise.all(Array.from({ length: 5 }, () => made(a, visit(patient, { status: 'fulfilled' }))));
    const later = (await invoicesOf(patient)).filter(({ id }: { id: string }) => id !== first.id);
    const amounts = later.map(({ totalGross }: { totalGross: { value: number } }) => totalGross.value);
    expect(amounts.toSorted((one: number, other: number) => one - other)).toEqual([0, 0, 50, 50, 50]);
  });

  test('of another patient, or after the days are over, costs what it costs', async () => {
    const patient = await newPatient(a);
    const first = await fulfilled(patient);
    await put(a, first, { status: 'issued' });
    await made(a, cash(patient, first.id, 50));
    expect((await fulfilled(await newPatient(a))).totalGross).toEqual(usd(50));
    days += 10;
    expect((await fulfilled(patient)).totalGross).toEqual(usd(50));
  });
});

describe('an Appointment that was entered in error', () => {
  test('has its draft cancelled, and its ChargeItem can be billed again', async () => {
    const patient = await newPatient(a);
    const appointment = await made(a, visit(patient, { status: 'fulfilled' }));
    const [draft] = await invoicesOf(patient);
    expect((await put(a, appointment, { status: 'entered-in-error' })).status).toBe(200);
    expect((await current(a, draft)).status).toBe('cancelled');
    const lineItem = draft.lineItem;
    const again = await made(a, { resourceType: 'Invoice', status: 'draft', subject: draft.subject, lineItem });
    expect(again.totalGross).toEqual(usd(50));
  });

  test('is refused while its Invoice is issued: 409, until that is cancelled', async () => {
    const patient = await newPatient(a);
    const appointment = await made(a, visit(patient, { status: 'fulfilled' }));
    const [draft] = await invoicesOf(patient);
    const { json: invoice } = await put(a, draft, { status: 'issued' });
    const refused = await put(a, appointment, { status: 'entered-in-error' });
    expect([refused.status, refused.json.issue[0].code]).toEqual([409, 'conflict']);
    await put(a, invoice, { status: 'cancelled', cancelledReason: 'mistake' });
    expect((await put(a, appointment, { status: 'entered-in-error' })).status).toBe(200);
  });
});

describe('an Appointment that is deleted', () => {
  const remove = (resource: { resourceType: string; id: string }) =>
    a.request('DELETE', `/${resource.resourceType}/${resource.id}`);

  test('has its draft cancelled, as one that was entered in error', async () => {
    const patient = await newPatient(a);
    const appointment = await made(a, visit(patient, { status: 'fulfilled' }));
    const [draft] = await invoicesOf(patient);
    expect((await remove(appointment)).status).toBe(204);
    const { status, cancelledReason } = await current(a, draft);
    expect([status, cancelledReason]).toEqual(['cancelled', 'The appointment was deleted.']);
  });

  test('stays while its Invoice is issued, by every door, and so does its Encounter: 409', async () => {
    const patient = await newPatient(a);
    const appointment = await made(a, visit(patient, { status: 'fulfilled' }));
    const [draft] = await invoicesOf(patient);
    const { json: invoice } = await put(a, draft, { status: 'issued' });
    const found = await a.request('GET', `/Encounter?appointment=Appointment/${appointment.id}`);
    const encounter = found.json.entry[0].resource;
    const entry = [{ request: { method: 'DELETE', url: `Appointment/${appointment.id}` } }];
    const answers = [
      await remove(appointment),
      await a.request('DELETE', `/Appointment?_id=${appointment.id}`),
      await a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }),
      await remove(encounter),
    ];
    expect(answers.map(({ status, json }) => [status, json.issue[0].code])).toEqual(
      answers.map(() => [409, 'conflict']),
    );
    await put(a, invoice, { status: 'cancelled', cancelledReason: 'mistake' });
    expect([(await remove(encounter)).status, (await remove(appointment)).status]).toEqual([204, 204]);
  });

  test('keeps nobody from deleting it, or its Encounter, where nothing was issued', async () => {
    const booked = await made(a, visit(await newPatient(a)));
    expect((await remove(booked)).status).toBe(204);
    const patient = await newPatient(a);
    const appointment = await made(a, visit(patient, { status: 'fulfilled' }));
    const [draft] = await invoicesOf(patient);
    const found = await a.request('GET', `/Encounter?appointment=Appointment/${appointment.id}`);
    expect((await remove(found.json.entry[0].resource)).status).toBe(204);
    // The visit stands without it, and so does its charge.
    expect((await current(a, draft)).status).toBe('draft');
  });
});

describe('a visit that one patient declined and another accepted', () => {
  const participant = (of: string, other: string) => [
    { actor: { reference: of }, status: 'declined' },
    { actor: { reference: other }, status: 'accepted' },
    { actor: { reference: 'Practitioner/p1' }, status: 'accepted' },
  ];

  test('is billed to who accepted, whoever stands first', async () => {
    const [declined, accepted] = [await newPatient(a), await newPatient(a)];
    await made(a, visit(declined, { status: 'fulfilled', participant: participant(declined, accepted) }));
    const [draft] = await invoicesOf(accepted);
    expect(draft.subject).toEqual({ reference: accepted });
    const item = (await a.request('GET', `/${draft.lineItem[0].chargeItemReference.reference}`)).json;
    expect(item.subject).toEqual({ reference: accepted });
    expect(await invoicesOf(declined)).toEqual([]);
  });

  test('costs the fee of who accepted; one that all declined is still the first one’s', async () => {
    await setting('fees.no-show', { amount: 25, fromCount: 1 });
    const [declined, accepted] = [await newPatient(a), await newPatient(a)];
    await made(a, visit(declined, { status: 'noshow', participant: participant(declined, accepted) }));
    expect((await invoicesOf(declined)).length).toBe(0);
    expect((await invoicesOf(accepted))[0].totalGross).toEqual(usd(25));
    const [alone] = participant(await newPatient(a), '');
    await made(a, visit('', { status: 'noshow', participant: [alone] }));
    expect((await invoicesOf(alone!.actor.reference))[0].totalGross).toEqual(usd(25));
    await setting('fees.no-show', null);
  });
});

describe('a missed visit', () => {
  const byPatient = {
    cancelationReason: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason', code: 'pat' }],
    },
  };
  const byClinic = {
    cancelationReason: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason', code: 'prov' }],
    },
  };

  test('costs nothing where the clinic asks for nothing', async () => {
    const patient = await newPatient(server.b);
    await made(server.b, visit(patient, { status: 'noshow' }));
    expect(await invoicesOf(patient, server.b)).toEqual([]);
  });

  test('costs the fee from the count on, once for each, on the account of other revenue', async () => {
    await setting('fees.no-show', { amount: 25, fromCount: 2 });
    const patient = await newPatient(a);
    await made(a, visit(patient, { status: 'noshow' }));
    expect(await invoicesOf(patient)).toEqual([]);
    const second = await made(a, visit(patient, { status: 'noshow' }));
    await put(a, second, { description: 'again' });
    const [fee, ...more] = await invoicesOf(patient);
    expect([more, fee.status, fee.totalGross]).toEqual([[], 'draft', usd(25)]);
    const item = (await a.request('GET', `/${fee.lineItem[0].chargeItemReference.reference}`)).json;
    expect([item.code.text, item.status]).toEqual(['No-show fee', 'billable']);
    const issued = await put(a, fee, { status: 'issued' });
    expect(extensionOf(issued.json, 'outstanding').valueMoney).toEqual(usd(25));
  });

  test('is waived by cancelling the draft with a reason; without one it is 422', async () => {
    await setting('fees.no-show', { amount: 25, fromCount: 1 });
    const patient = await newPatient(a);
    await made(a, visit(patient, { status: 'noshow' }));
    const [fee] = await invoicesOf(patient);
    expect((await put(a, fee, { status: 'cancelled' })).status).toBe(422);
    expect((await put(a, fee, { status: 'cancelled', cancelledReason: 'was in hospital' })).status).toBe(200);
  });

  test('that was called off late by the patient costs the other fee; in time, or by the clinic, none', async () => {
    await setting('fees.late-cancel', { amount: 15, fromCount: 1, noticeHours: 24 });
    const patient = await newPatient(a);
    const late = visit(patient);
    await made(a, { ...late, status: 'cancelled', ...byClinic });
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const later = new Date(Date.now() + 48 * 3_600_000).toISOString();
    const end = new Date(Date.now() + 50 * 3_600_000).toISOString();
    await made(a, { ...visit(patient), start: later, end, status: 'cancelled', ...byPatient });
    expect(await invoicesOf(patient)).toEqual([]);
    await made(a, { ...visit(patient), start: soon, end, status: 'cancelled', ...byPatient });
    const [fee, ...more] = await invoicesOf(patient);
    expect([more, fee.totalGross]).toEqual([[], usd(15)]);
  });

  test('that is moved while it is called off is late by the time it had', async () => {
    await setting('fees.late-cancel', { amount: 15, fromCount: 1, noticeHours: 24 });
    const patient = await newPatient(a);
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const booked = await made(a, { ...visit(patient), start: inHours(1), end: inHours(2) });
    const away = { start: inHours(999), end: inHours(1_000), status: 'cancelled', ...byPatient };
    expect((await put(a, booked, away)).status).toBe(200);
    const [fee] = await invoicesOf(patient);
    expect(fee.totalGross).toEqual(usd(15));
    const item = (await a.request('GET', `/${fee.lineItem[0].chargeItemReference.reference}`)).json;
    expect(item.occurrenceDateTime).toBe(booked.start);
    const later = await made(a, { ...visit(patient), start: inHours(900), end: inHours(901) });
    const near = { start: inHours(1), end: inHours(2), status: 'cancelled', ...byPatient };
    expect((await put(a, later, near)).status).toBe(200);
    expect(await invoicesOf(patient)).toHaveLength(1);
  });

  test('that was tagged as billed elsewhere costs nothing here (7)', async () => {
    const tag = [{ system: 'https://hpms.example/fhir/CodeSystem/tag', code: 'no-billing' }];
    const patient = await newPatient(a);
    await made(a, visit(patient, { status: 'noshow', meta: { tag } }));
    expect(await invoicesOf(patient)).toEqual([]);
  });
});
