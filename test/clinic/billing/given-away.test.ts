// What a draft gives away beyond the limit of a role is refused in however many steps: lines that disappear, and prices that fall (domain.md S4-M11, S4-C09).

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientOf, type TestClient } from '../../api/clients.ts';
import {
  base,
  current,
  discount,
  extensionOf,
  invoiceFor,
  type Json,
  line,
  made,
  newPatient,
  put,
  usd,
} from '../../api/invoice-world.ts';
import { runSql } from '../../jobs/job-bed.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';

let server: TestServer;
let a: TestTenant;
let cashier: TestClient;
let manager: TestClient;
let admin: TestClient;
let patient: string;
beforeAll(async () => {
  server = await startTestServer();
  a = server.a;
  patient = await newPatient(a);
  // Limits of 10 %, 50 % and none.
  cashier = await clientOf(server, a, '', ['cashier'], 'Practitioner/cashier');
  manager = await clientOf(server, a, '', ['billing-manager'], 'Practitioner/manager');
  admin = await clientOf(server, a, '', ['clinic-admin'], 'Practitioner/admin');
  for (const [name, value] of [
    ['visit', 100],
    ['short', 20],
    ['dressing', 5],
  ] as const)
    await priceOf(name, value);
});
afterAll(() => server.close());

const codeOf = (name: string) => ({ coding: [{ system: 'urn:given', code: name }] });

function priceOf(name: string, value: number) {
  return made(a, {
    ...{ resourceType: 'ChargeItemDefinition', url: `urn:price:${name}`, status: 'active', code: codeOf(name) },
    propertyGroup: [{ priceComponent: [base(value)] }],
  });
}

const itemOf = (name: string) =>
  made(a, { resourceType: 'ChargeItem', status: 'billable', code: codeOf(name), subject: { reference: patient } });
const lineOf = ({ id }: { id: string }) => ({ chargeItemReference: { reference: `ChargeItem/${id}` } });

/** These lines instead of those there were; totals are the server's. */
async function rewrite(
  who: TestClient,
  draft: { resourceType: string; id: string },
  lineItem: Json[],
  more: Json = {},
) {
  const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, lineItem: _l, ...open } = await current(a, draft);
  return await put(who, open, { ...(lineItem.length > 0 && { lineItem }), ...more });
}

let days = 0;

/** As the server makes it of a visit. */
async function draftOfVisit() {
  days += 1;
  const day = new Date(Date.UTC(2026, 0, days)).toISOString().slice(0, 10);
  const visit = await made(a, {
    ...{ resourceType: 'Appointment', status: 'fulfilled', start: `${day}T09:00:00Z`, end: `${day}T09:30:00Z` },
    appointmentType: codeOf('visit'),
    participant: [{ actor: { reference: patient }, status: 'accepted' }],
  });
  const undone = `SELECT FROM store.outbox WHERE status <> 'done' AND topic = 'appointment.fulfilled'`;
  while ((await runSql(server.database.url, undone)).length > 0) await delay(10);
  const identifier = `https://hpms.example/fhir/sid/auto-invoice|${visit.id}`;
  const { json } = await a.request('GET', `/Invoice?identifier=${encodeURIComponent(identifier)}`);
  const draft = json.entry[0].resource;
  expect(draft.totalGross).toEqual(usd(100));
  return draft;
}

describe('a discount above the limit', () => {
  test('does not pass beside a line that is then taken out: the share counts, not the amount', async () => {
    const draft = await made(cashier, invoiceFor(patient, [line(base(100))]));
    const reduced = line(base(100), discount(0.6));
    expect((await rewrite(cashier, draft, [reduced])).status).toBe(403);
    expect((await rewrite(cashier, draft, [reduced, line(base(900))])).status).toBe(200);
    expect((await rewrite(cashier, draft, [reduced])).status).toBe(403);
    expect((await rewrite(cashier, draft, [line(base(100), discount(0.1))])).status).toBe(200);
  });

  test('that an approver gave is nobody else’s to answer for: the draft is issued as it stands', async () => {
    const draft = await made(cashier, invoiceFor(patient, [line(base(100))]));
    expect((await rewrite(manager, draft, [line(base(100), discount(0.4))])).status).toBe(200);
    expect((await put(cashier, await current(a, draft), { note: [{ text: 'x' }] })).status).toBe(200);
    expect((await put(cashier, await current(a, draft), { status: 'issued' })).status).toBe(200);
  });
});

describe('a charge of the draft that disappears', () => {
  test('is given away: the line of a visit, replaced by a free text, taken out, or hidden by another line', async () => {
    const draft = await draftOfVisit();
    const cheap = line(base(1));
    for (const lineItem of [[cheap], [], [cheap, line(base(50))]]) {
      expect((await rewrite(cashier, draft, lineItem)).status).toBe(403);
    }
    expect((await rewrite(cashier, draft, [cheap], { status: 'issued' })).status).toBe(403);
    const beside = await rewrite(cashier, draft, [...draft.lineItem, cheap]);
    expect([beside.status, beside.json.totalGross]).toEqual([200, usd(101)]);
    expect((await rewrite(cashier, draft, [cheap])).status).toBe(403);
    const taken = await rewrite(admin, draft, [cheap]);
    expect([taken.status, extensionOf(taken.json, 'approved-by').valueReference]).toEqual([
      200,
      { reference: 'Practitioner/admin' },
    ]);
    expect((await put(cashier, taken.json, { status: 'issued' })).status).toBe(200);
  });

  test('is given away in steps as at once', async () => {
    const items = await Promise.all(Array.from({ length: 10 }, () => itemOf('dressing')));
    const draft = await made(a, invoiceFor(patient, [{ chargeItemCodeableConcept: codeOf('short') }]));
    const first = draft.lineItem;
    const full = await rewrite(manager, draft, [...first, ...items.map(lineOf)]);
    expect(full.json.totalGross).toEqual(usd(70));
    const [, ...lines] = full.json.lineItem as Json[];
    // 5 of 70 are 7 %, and another 5 of 65 would be 8 %.
    expect((await rewrite(cashier, draft, [...first, ...lines.slice(1)])).status).toBe(200);
    expect((await rewrite(cashier, draft, [...first, ...lines.slice(2)])).status).toBe(403);
    expect((await rewrite(manager, draft, [...first, ...lines.slice(2)])).status).toBe(200);
  });

  test('also where it names no ChargeItem and the list has its price, each as often as it stood there', async () => {
    const listed = { chargeItemCodeableConcept: codeOf('visit') };
    const draft = await made(manager, invoiceFor(patient, [listed, listed]));
    expect((await rewrite(cashier, draft, [line(base(1))])).status).toBe(403);
    expect((await rewrite(cashier, draft, [draft.lineItem[0]])).status).toBe(403);
    expect((await rewrite(cashier, draft, [...draft.lineItem].reverse())).status).toBe(200);
  });

  test('is a correction where it was a text that the list does not know', async () => {
    const draft = await made(cashier, invoiceFor(patient, [line(base(80)), line(base(30))]));
    expect((await rewrite(cashier, draft, [line(base(30))])).status).toBe(200);
  });
});

describe('a ChargeItem that is made cheaper while it is on a draft', () => {
  const bare = ({ chargeItemReference }: Json) => ({ chargeItemReference });

  test('gives away what it cost before: another code, or another definition', async () => {
    for (const changed of [{ code: codeOf('short') }, { definitionCanonical: ['urn:price:short'] }]) {
      const item = await itemOf('visit');
      const draft = await made(manager, invoiceFor(patient, [lineOf(item)]));
      expect((await put(cashier, item, changed)).status).toBe(200);
      // A write between changes nothing of that.
      expect((await put(cashier, await current(a, draft), { note: [{ text: 'x' }] })).status).toBe(200);
      expect((await rewrite(cashier, draft, [bare(draft.lineItem[0])])).status).toBe(403);
      expect((await current(a, draft)).totalGross).toEqual(usd(100));
      const repriced = await rewrite(admin, draft, [bare(draft.lineItem[0])]);
      expect([repriced.status, repriced.json.totalGross]).toEqual([200, usd(20)]);
    }
  });

  test('also in the bundle that changes its code', async () => {
    const item = await itemOf('visit');
    const draft = await made(manager, invoiceFor(patient, [lineOf(item)]));
    const { totalNet: _n, totalGross: _g, totalPriceComponent: _p, ...open } = draft;
    const entry = [
      { ...item, code: codeOf('short') },
      { ...open, lineItem: [bare(draft.lineItem[0])] },
    ].map((resource) => ({ request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` }, resource }));
    expect((await cashier.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(
      403,
    );
  });

  test('gives nothing away where the list itself has become cheaper', async () => {
    const price = await priceOf('list', 60);
    const item = await itemOf('list');
    const draft = await made(manager, invoiceFor(patient, [lineOf(item)]));
    await put(a, price, { propertyGroup: [{ priceComponent: [base(30)] }] });
    const repriced = await rewrite(cashier, draft, [bare(draft.lineItem[0])]);
    expect([repriced.status, repriced.json.totalGross]).toEqual([200, usd(30)]);
  });
});
