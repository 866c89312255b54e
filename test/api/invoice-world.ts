// Invoices over HTTP for the tests of billing: a patient, lines, and the steps of an Invoice's life.

import { afterAll, beforeAll, expect } from '@jest/globals';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';

export const x = 'https://hpms.example/fhir/StructureDefinition';
export const sid = 'https://hpms.example/fhir/sid';
export const cs = 'https://hpms.example/fhir/CodeSystem';

export type Json = Record<string, unknown>;
type Requester = Pick<TestTenant, 'request'>;

export interface BillingWorld {
  /** From `beforeAll` on. */
  readonly server: TestServer;
  /** The first clinic and a patient of it, `Patient/x`. */
  readonly a: TestTenant;
  readonly patient: string;
}

/** A server for the tests of the file. */
export function useBilling(): BillingWorld {
  let started: { server: TestServer; patient: string } | undefined;
  const world = () => {
    if (!started) throw new Error('The server is started before the first test.');
    return started;
  };
  beforeAll(async () => {
    const server = await startTestServer();
    started = { server, patient: await newPatient(server.a) };
  });
  afterAll(() => world().server.close());
  return {
    get server() {
      return world().server;
    },
    get a() {
      return world().server.a;
    },
    get patient() {
      return world().patient;
    },
  };
}

export function usd(value: number) {
  return { value, currency: 'USD' };
}

export function base(value: number, more: Json = {}) {
  return { type: 'base', amount: usd(value), ...more };
}

export function discount(factor: number) {
  return { type: 'discount', factor };
}

export function tax(factor: number, text = 'VAT') {
  return { type: 'tax', code: { text }, factor };
}

export function line(...priceComponent: Json[]) {
  return { chargeItemCodeableConcept: { text: 'Consultation' }, priceComponent };
}

export function invoiceFor(patient: string, lineItem: Json[], more: Json = {}) {
  return { resourceType: 'Invoice', status: 'draft', subject: { reference: patient }, lineItem, ...more };
}

export function noteFor(patient: string, invoice: string, value: number, code?: string) {
  const reason = code === undefined ? {} : { code: { coding: [{ system: `${cs}/adjustment-reason`, code }] } };
  return invoiceFor(
    patient,
    [{ chargeItemCodeableConcept: { text: 'Correction' }, priceComponent: [base(value, reason)] }],
    {
      type: { coding: [{ system: `${cs}/invoice-type`, code: 'credit-note' }] },
      extension: [{ url: `${x}/corrects`, valueReference: { reference: `Invoice/${invoice}` } }],
    },
  );
}

/** Gives the stored resource. */
export async function made(who: Requester, resource: Json, status = 201) {
  const answer = await who.request('POST', `/${resource.resourceType}`, resource);
  expect([answer.status, answer.status === status ? '' : answer.text]).toEqual([status, '']);
  return answer.json;
}

export async function newPatient(who: Requester): Promise<string> {
  return `Patient/${(await made(who, { resourceType: 'Patient', name: [{ family: 'Muster' }] })).id}`;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at members that only this resource has.
export async function put(who: Requester, resource: any, changed: Json = {}): Promise<TestResponse> {
  return await who.request('PUT', `/${resource.resourceType}/${resource.id}`, { ...resource, ...changed });
}

export async function issued(who: Requester, patient: string, lineItem: Json[]) {
  return await made(who, invoiceFor(patient, lineItem, { status: 'issued' }));
}

/** As it is now. */
export async function current(who: Requester, resource: { resourceType: string; id: string }) {
  return (await who.request('GET', `/${resource.resourceType}/${resource.id}`)).json;
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
export function extensionOf(resource: any, name: string) {
  return resource.extension?.find(({ url }: { url: string }) => url === `${x}/${name}`);
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
export function numberOf(resource: any, series = 'invoice'): string | undefined {
  return resource.identifier?.find(({ system }: { system: string }) => system === `${sid}/${series}`)?.value;
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
export function payment(resource: any) {
  const state = extensionOf(resource, 'payment-state')?.valueCode;
  return [resource.status, state, extensionOf(resource, 'outstanding')?.valueMoney?.value];
}

/** Amounts by account number, debits positive, as the Basic resources of the ledger say. */
export async function ledgerOf(
  server: TestServer,
  tenant: TestTenant,
  invoiceId: string,
): Promise<Record<string, number>> {
  const { doors } = server.app;
  const rows = await doors.tenantDoor(tenant.id, (trx) =>
    trx.query<{ number: string; sum: string }>({
      text: `SELECT account.number, sum(entry.amount_minor)::text AS sum FROM ledger_entry entry
             JOIN ledger_account account ON account.account_id = entry.account_id
             WHERE entry.invoice_id = $1 GROUP BY account.number ORDER BY 1`,
      values: [invoiceId],
    }),
  );
  return Object.fromEntries(rows.map(({ number, sum }) => [number, Number(sum)]));
}

/** Cash for an Invoice: contract.md 31. */
export function cash(patient: string, invoice: string | undefined, value: number) {
  const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';
  const pt = 'http://terminology.hl7.org/CodeSystem/payment-type';
  const type = { coding: [{ system: pt, code: 'payment' }] };
  const today = new Date().toISOString().slice(0, 10);
  const detail = { type, request: { reference: `Invoice/${invoice}` }, amount: usd(value) };
  return {
    resourceType: 'PaymentReconciliation',
    status: 'active',
    outcome: 'complete',
    created: today,
    paymentDate: today,
    paymentAmount: usd(value),
    extension: [
      { url: `${r5}.type`, valueCodeableConcept: type },
      {
        url: `${r5}.method`,
        valueCodeableConcept: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0570', code: 'CASH' }],
        },
      },
      { url: `${r5}.paymentIssuer`, valueReference: { reference: patient } },
    ],
    ...(invoice !== undefined && { detail: [detail] }),
  };
}
