// The money of two Patients who were merged is one person's: deposits, payments, statements and accounts (domain.md `$merge`, I6; contract.md 35).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Account, Invoice, Parameters, PaymentReconciliation, Resource, Task } from '@medplum/fhirtypes';
import { serverCaller } from '../../../src/access/caller.ts';
import { verifyLedger } from '../../../src/clinic/ledger/verify/verify-ledger.ts';
import { inSession } from '../../../src/repository/session.ts';
import { expectNoFailure } from '../../api/refusals.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { detailsOf, referenceTo, type Stored, Till, today } from './till.ts';

let server: TestServer;
let till: Till;
let source: string;
let target: string;
/** Of the source, of 100.00. */
let invoice: Stored<Invoice>;

beforeAll(async () => {
  server = await startTestServer();
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});

beforeEach(async () => {
  [source, target] = [await person(), await person()];
  invoice = await till.invoice(source, 100);
});

async function person(tenant = till): Promise<string> {
  return referenceTo(await tenant.created({ resourceType: 'Patient', active: true }));
}

async function call(name: string, ...parameter: NonNullable<Parameters['parameter']>): Promise<Resource[]> {
  const response = await server.a.request('POST', `/Patient/$${name}`, { resourceType: 'Parameters', parameter });
  expect([response.status, response.json.issue]).toEqual([200, undefined]);
  return ((response.json as Parameters).parameter ?? []).flatMap(({ resource }) => resource ?? []);
}

async function merge(from = source, into = target): Promise<string> {
  const named = (name: string, reference: string) => ({ name, valueReference: { reference } });
  const resources = await call('merge', named('source-patient', from), named('target-patient', into));
  return `Task/${(resources.find(({ resourceType }) => resourceType === 'Task') as Task).id}`;
}

async function undo(task: string): Promise<void> {
  await call('merge-undo', { name: 'task', valueReference: { reference: task } });
}

async function pay(amount: number): Promise<Stored<PaymentReconciliation>> {
  return await till.paid(amount, { issuer: target, details: [[referenceTo(invoice), amount]] });
}

/** By number and whose it is: what is not nothing. */
async function balances(): Promise<Record<string, number>> {
  const accounts = await till.search<Account>('Account?_count=1000');
  const names = new Map([
    [source, 'source'],
    [target, 'target'],
  ]);
  const told = accounts.flatMap(({ identifier, extension = [] }) => {
    const [number = '', sub] = identifier?.[0]?.value?.split(/\/(.*)/) ?? [];
    const whose = names.get(sub ?? '');
    const value = extension[0]?.extension?.[0]?.valueMoney?.value ?? 0;
    return whose !== undefined && value !== 0 ? [[`${number} ${whose}`, value] as const] : [];
  });
  return Object.fromEntries(told);
}

async function statement(account: string, tenant: TestTenant = server.a): Promise<string> {
  const { status, text, json } = await tenant.request('GET', `/Account/${account}/$statement?format=json`);
  if (status !== 200) return `${status}`;
  expect(JSON.stringify(json)).toContain(target);
  return text.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');
}

async function verified(): Promise<void> {
  const { repository } = server.app;
  await inSession(repository, serverCaller(server.a.id, 'verify'), (session) => verifyLedger(session, () => undefined));
}

test('a deposit of the one pays an Invoice of the survivor', async () => {
  const deposit = await till.paid(30, { type: 'advance', issuer: source });
  await merge();
  const next = await till.invoice(target, 20);
  expect(await till.stateOf(next)).toBe('balanced paid 0');
  expect(next.status).toBe('balanced');
  expect(detailsOf(await till.read(referenceTo(deposit)))).toEqual([`${referenceTo(next)} 20`]);
  expect(await balances()).toEqual({ '1200 source': 100, '2100 source': -10 });
  expect(await till.stateOf(await till.invoice(target, 15))).toBe('issued partial 5');
  expect(await balances()).toEqual({ '1200 source': 100, '1200 target': 5 });
  await verified();
});

test('deposits of both are used, the oldest first, also by a chain of merges', async () => {
  const first = await person();
  const oldest = await till.paid(10, { type: 'advance', issuer: first, date: '2026-02-01' });
  const younger = await till.paid(10, { type: 'advance', issuer: target, date: '2026-03-01' });
  const youngest = await till.paid(10, { type: 'advance', issuer: source, date: '2026-04-01' });
  await merge(first, source);
  await merge();
  const next = await till.invoice(target, 25);
  expect(await till.stateOf(next)).toBe('balanced paid 0');
  const used = await Promise.all([oldest, younger, youngest].map(async (one) => await till.read(referenceTo(one))));
  expect(used.flatMap((one) => detailsOf(one as typeof oldest))).toEqual(
    [10, 10, 5].map((part) => `${referenceTo(next)} ${part}`),
  );
  await verified();
});

test('a deposit is given back as the survivor’s', async () => {
  const deposit = await till.paid(30, { type: 'advance', issuer: source });
  await merge();
  expect((await till.refund(30, referenceTo(deposit))).status).toBe(201);
  expect(await balances()).toEqual({ '1200 source': 100 });
  await verified();
});

describe('an Invoice that was charged before', () => {
  test('is paid, refunded and voided in the account it was charged to', async () => {
    await merge();
    const payment = await pay(100);
    expect(await balances()).toEqual({});
    expect((await till.refund(40, referenceTo(payment), { details: [[referenceTo(invoice), 40]] })).status).toBe(201);
    expect(await balances()).toEqual({ '1200 source': 40 });
    const again = await pay(40);
    expect((await till.void(again)).status).toBe(200);
    expect(await balances()).toEqual({ '1200 source': 40 });
    expect(await till.stateOf(invoice)).toBe('issued partial 40');
    await verified();
  });

  test('is credited there, and what is overpaid is the survivor’s', async () => {
    await merge();
    await pay(90);
    const extension = [
      {
        url: 'https://hpms.example/fhir/StructureDefinition/corrects',
        valueReference: { reference: referenceTo(invoice) },
      },
    ];
    const type = { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/invoice-type', code: 'credit-note' }] };
    await till.invoice(target, -20, { type, extension });
    expect(await balances()).toEqual({ '2100 target': -10 });
    await verified();
  });
});

describe('the survivor', () => {
  const closing = (text: string) => /Closing balance (\S+)/.exec(text)?.[1];

  test('has one statement, whichever account it is asked of, and an aging that agrees', async () => {
    await till.paid(30, { type: 'advance', issuer: source });
    await merge();
    await till.invoice(target, 20);
    const accounts = await till.search<Account>(`Account?subject=${target}`);
    const texts = await Promise.all(accounts.map(({ id }) => statement(String(id))));
    expect(texts.map(closing)).toEqual(['$90.00', '$90.00', '$90.00']);
    expect(texts[0]).toContain('$100.00');
  });

  test('without entries of its own is found with the accounts of the other', async () => {
    expect(await till.search(`Account?subject=${target}`)).toEqual([]);
    const task = await merge();
    const accounts = await till.search<Account>(`Account?subject=${target}`);
    expect(accounts.map(({ identifier }) => identifier?.[0]?.value)).toEqual([`1200/${source}`]);
    expect(await till.search(`Account?subject=${source}`)).toEqual([]);
    const [account] = accounts;
    expect((await till.tenant.request('GET', `/Account/${account?.id}/$ledger`)).json.entry).toHaveLength(2);
    await undo(task);
    expect(await till.search(`Account?subject=${target}`)).toEqual([]);
    expect(await till.search(`Account?subject=${source}`)).toHaveLength(1);
  });
});

test('after $merge-undo each has its own money again, and what was paid meanwhile stays paid', async () => {
  await till.paid(30, { type: 'advance', issuer: source });
  const task = await merge();
  const next = await till.invoice(target, 20);
  await undo(task);
  expect(await till.stateOf(next)).toBe('balanced paid 0');
  expect(await balances()).toEqual({ '1200 source': 100, '2100 source': -10 });
  expect(await till.stateOf(await till.invoice(target, 10))).toBe('issued pending 10');
  expect(await till.stateOf(await till.invoice(source, 15))).toBe('issued partial 5');
  await verified();
});

test('another tenant with the same ids is nobody of these', async () => {
  const other = new Till(server.b);
  for (const reference of [source, target]) {
    const id = reference.replace('Patient/', '');
    const { status } = await server.b.request('PUT', `/${reference}`, { resourceType: 'Patient', id, active: true });
    expect(status).toBe(201);
  }
  await other.paid(30, { type: 'advance', issuer: source, date: today() });
  await merge();
  expect(await other.stateOf(await other.invoice(target, 20))).toBe('issued pending 20');
  const [account] = await till.search<Account>(`Account?subject=${target}`);
  expect(await statement(String(account?.id), server.b)).toBe('404');
});
