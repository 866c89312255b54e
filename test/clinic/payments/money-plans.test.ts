// What Invoices, payments and whatever takes them back ask the ledger reads a few rows, however many patients and Invoices it has: under the
// money lock every other clerk of the clinic waits for it (architecture.md, Search; domain.md S4-T2).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Invoice } from '@medplum/fhirtypes';
import pg from 'pg';
import { rolePassword } from '../../../src/database/role-password.ts';
import type { Statement } from '../../../src/database/statement.ts';
import type { TenantDoor } from '../../../src/database/tenant-transaction.ts';
import { noteFor } from '../../api/invoice-world.ts';
import { type PlanMode, type Reading, readingOf } from '../../search/plan-rows.ts';
import { overTcp, testRootKey, withClient } from '../../support/database.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { referenceTo, Till, today } from './till.ts';

const patients = 20_000;
/** Of each patient, with two lines each. */
const invoicesEach = 2;
/** One Invoice is paid at a time. */
const rowsMax = 100;

let server: TestServer;
let client: pg.Client;
const asked = new Map<string, Statement>();

beforeAll(async () => {
  server = await startTestServer();
  const { repository } = server.app;
  const { tenantDoor } = repository;
  Object.assign(repository, { tenantDoor: notingDoor(tenantDoor) });
  await postAll();
  Object.assign(repository, { tenantDoor });
  await withClient(server.database.url, (superuser) => fill(superuser));
  const url = overTcp(server.database.url);
  client = new pg.Client({
    ...{ host: url.hostname, port: Number(url.port), database: url.pathname.slice(1) },
    ...{ user: 'hpms_app', password: rolePassword(testRootKey, 'hpms_app') },
  });
  await client.connect();
  await client.query('SET search_path = tenant');
}, 120_000);
afterAll(async () => {
  await client?.end();
  await server?.close();
});

/** Notes what is asked of the ledger's tables, once by name. */
function notingDoor(door: TenantDoor): TenantDoor {
  return (tenantId, work, kind) =>
    door(
      tenantId,
      (trx) =>
        work({
          tenantId: trx.tenantId,
          query(statement) {
            const { name, text } = statement;
            if (name !== undefined && /^\s*(SELECT|WITH)\b/.test(text) && /\bledger_/.test(text))
              asked.set(name, statement);
            return trx.query(statement);
          },
          execute: (statement) => trx.execute(statement),
        }),
      kind,
    );
}

async function postAll(): Promise<void> {
  const till = new Till(server.a);
  const patient = await till.patient();
  const pay = async (amount: number) => {
    const invoice = await till.invoice(patient, 120);
    return await till.paid(amount, { details: [[referenceTo(invoice), 120]] });
  };
  const answers = [
    await till.void(await pay(120)),
    await till.refund(30, referenceTo(await pay(150))),
    await till.put(await pay(150)),
  ];
  const credited = await till.invoice(patient, 50);
  const note = await till.created<Invoice>(noteFor(patient, credited.id, -20) as Invoice);
  answers.push(await server.a.request('PUT', `/Invoice/${note.id}`, { ...note, status: 'issued' }));
  const cancelled = { ...(await till.invoice(patient, 10)), status: 'cancelled', cancelledReason: 'wrong patient' };
  answers.push(await server.a.request('PUT', `/Invoice/${cancelled.id}`, cancelled));
  const parameter = [
    { name: 'date', valueDate: today() },
    { name: 'preview', valueBoolean: true },
  ];
  const settlement = { resourceType: 'Parameters', parameter };
  answers.push(await server.a.request('POST', '/PaymentReconciliation/$settle-day', settlement));
  expect(answers.map(({ status }) => status)).toEqual([200, 201, 200, 200, 200, 200]);
}

/** Of many millions of entries ANALYZE takes Invoices to be far fewer than they are: as few as it is told here. */
async function fill(superuser: pg.Client): Promise<void> {
  await superuser.query("SET session_replication_role = 'replica'");
  for (const { id } of [server.a, server.b]) {
    await superuser.query(`
      INSERT INTO store.ledger_account (tenant_id, account_id, number, sub, control_id)
      SELECT ${id}, 'account-' || n, '1200', 'Patient/many-' || n, 'control' FROM generate_series(1, ${patients}) AS n;
      INSERT INTO store.ledger_transaction (tenant_id, id, seq, type, business_date, source_type, source_id, source_version, subject,
        idempotency_key, actor, reason, method, drawer, recorded_at, prev_hash, hash)
      SELECT ${id}, 'journal-' || n, 1000 + n, 'CHARGE', '${today()}', 'Invoice', 'many-' || n, 1, '', 'many ' || n, '', '', '', '',
        now(), '', '' FROM generate_series(1, ${patients * invoicesEach}) AS n;
      INSERT INTO store.ledger_entry (tenant_id, transaction_id, line, seq, business_date, account_id, control_id, currency,
        amount_minor, account_seq, balance_after, party, invoice_id, revenue, credit, practitioner, department)
      SELECT ${id}, 'journal-' || n, line, 1000 + n, '${today()}', 'account-' || (n % ${patients} + 1), 'control', 'USD', 100,
        n * 2 + line, 100, '', 'many-' || n, '', '', '', '' FROM generate_series(1, ${patients * invoicesEach}) AS n, (VALUES (1), (2)) AS lines (line);
      INSERT INTO store.ledger_invoice (tenant_id, invoice_id, currency, basis, practitioner, department, gross_minor, paid_minor,
        credited_minor, written_off_minor, outstanding_minor)
      SELECT ${id}, 'many-' || n, 'USD', 'cash', '', '', 100, 0, 0, 0, 100 FROM generate_series(1, ${patients * invoicesEach}) AS n`);
  }
  await superuser.query(`
    ALTER TABLE store.ledger_entry ALTER invoice_id SET (n_distinct = 200), ALTER transaction_id SET (n_distinct = 200);
    ANALYZE store.ledger_account, store.ledger_transaction, store.ledger_entry, store.ledger_invoice`);
}

test.each<PlanMode>(['force_generic_plan', 'auto'])('%s: each question reads a few rows', async (mode) => {
  const { id } = server.a;
  expect([...asked.keys()]).toEqual(
    expect.arrayContaining([
      'find-ledger-accounts',
      'find-accounts-of-invoices',
      'stored-lines',
      'read-invoice-balances',
    ]),
  );
  const readings = new Map<string, Reading>();
  for (const [name, { text, values = [] }] of asked) {
    const place = { tenantId: id, values };
    readings.set(name, await readingOf(client, { statement: { text, values }, mode, planned: place, measured: place }));
  }
  const wide = [...readings].filter(([, { rows, sequential }]) => rows > rowsMax || sequential.length > 0);
  expect(wide.map(([name, { rows, sequential }]) => ({ name, rows, sequential }))).toEqual([]);
});
