// A slip of the hand stops no account: more than a clinic charges or takes at once is refused, and what the books come to is written as it is (domain.md 3.4, I4).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Account, Basic } from '@medplum/fhirtypes';
import { serverCaller } from '../../../src/access/caller.ts';
import type { JournalEntry } from '../../../src/clinic/ledger/journal.ts';
import { lockMoney } from '../../../src/clinic/ledger/lock-money.ts';
import { postJournal } from '../../../src/clinic/ledger/post-journal.ts';
import { paymentLines } from '../../../src/clinic/ledger/postings.ts';
import { verifyEntries } from '../../../src/clinic/ledger/verify/verify-entries.ts';
import { inSession, type Session } from '../../../src/repository/session.ts';
import { expectNoFailure, expectRefusal } from '../../api/refusals.ts';
import { startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { buildInvoice, buildPayment, referenceTo, Till, today, usd } from './till.ts';

const largest = 99_999_999_999.99;
const slip = 9_999_999_999_999.99;

let server: TestServer;
let till: Till;
let patient: string;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});

describe('an amount', () => {
  beforeEach(async () => {
    till = new Till(server.a);
    patient = await till.patient();
  });

  test('that is paid has at most 13 digits: 422, and the method of payment goes on', async () => {
    const refused = await till.post(buildPayment(slip, { method: 'UPI', issuer: patient }));
    expectRefusal(refused, 422);
    expect(refused.json.issue[0]).toMatchObject({
      diagnostics: 'A payment amounts to at most 99999999999.99 USD.',
      expression: ['PaymentReconciliation.paymentAmount'],
    });
    expectRefusal(await till.post(buildPayment(slip, { method: 'UPI', issuer: patient, outcome: 'queued' })), 422);
    expectRefusal(await till.post(buildPayment(largest + 0.01, { method: 'UPI', issuer: patient })), 422);
    const taken = await till.paid(largest, { method: 'UPI', issuer: patient });
    await till.paid(1, { method: 'UPI', issuer: await till.patient() });
    expect((await till.refund(largest, referenceTo(taken))).status).toBe(201);
  });

  test('that is charged has at most 13 digits: 422', async () => {
    const refused = await server.a.request('POST', '/Invoice', buildInvoice(patient, slip));
    expectRefusal(refused, 422);
    expect(refused.json.issue[0].diagnostics).toContain('at most 99999999999.99 USD');
    expect(await till.stateOf(await till.invoice(patient, largest))).toBe(`issued pending ${largest}`);
  });

  test('that is counted by coins has as many digits as an amount can have: 422', async () => {
    const denomination = [
      { name: 'value', valueMoney: usd(slip) },
      { name: 'count', valueUnsignedInt: 2_000_000_000 },
    ];
    const counted = [
      { name: 'method', valueCode: 'CASH' },
      { name: 'denomination', part: denomination },
    ];
    expectRefusal(await settle(server.a, { name: 'counted', part: counted }), 422);
  });
});

type Input = { name: string; [key: string]: unknown };

function settle(tenant: TestTenant, ...inputs: Input[]) {
  const parameter = [{ name: 'date', valueDate: today() }, ...inputs];
  return tenant.request('POST', '/PaymentReconciliation/$settle-day', { resourceType: 'Parameters', parameter });
}

/** As it was taken before amounts were bounded. */
async function depositOf(amountMinor: bigint): Promise<void> {
  await inMoney(async (session) => {
    const source = `PaymentReconciliation/old-${amountMinor}`;
    const money = { method: 'UPI', amountMinor };
    const entry: JournalEntry = {
      ...{ type: 'DEPOSIT', businessDate: today(), source: `${source}/_history/1`, idempotencyKey: source },
      ...{
        currency: 'USD',
        subject: patient,
        lines: paymentLines(money, [], { patient, source }),
        facts: { method: 'UPI' },
      },
    };
    await postJournal(session, [entry]);
  });
}

function inMoney<T>(work: (session: Session) => Promise<T>): Promise<T> {
  return inSession(server.app.repository, serverCaller(server.b.id, 'till'), async (session) => {
    lockMoney(session);
    return await work(session);
  });
}

describe('what the books come to', () => {
  const balance = '1000000000000000.01';

  beforeAll(async () => {
    till = new Till(server.b);
    patient = await till.patient();
    await depositOf(100_000_000_000_000_000n);
    await depositOf(1n);
  });

  test('is written exactly, however many digits it has', async () => {
    const [account] = await till.search<Account>('Account?identifier=1030');
    const [held] = await till.search<Account>(`Account?subject=${patient}`);
    const paths = [
      '/Account/$trial-balance',
      `/Account/${account?.id}`,
      `/Account/${account?.id}/$ledger`,
      `/Basic?patient=${patient}`,
      `/Account/${held?.id}/$statement?format=json`,
      `/Measure/$evaluate-measure?periodStart=${today()}&periodEnd=${today()}`,
    ];
    for (const path of paths) {
      const { status, text } = await server.b.request('GET', path);
      expect([path, status, text.includes(balance)]).toEqual([path, 200, true]);
    }
    const preview = await settle(server.b, { name: 'preview', valueBoolean: true });
    expect([preview.status, preview.text.includes(`"value":${balance}`)]).toEqual([200, true]);
  });

  test('is one that a further payment goes on from', async () => {
    await till.paid(1, { method: 'UPI', issuer: await till.patient() });
    const journals = await server.b.request('GET', '/Basic?_count=100&_sort=-_lastUpdated');
    expect(journals.text).toContain('1000000000000001.01');
    expect((journals.json.entry[0].resource as Basic).resourceType).toBe('Basic');
    await inMoney((session) => verifyEntries(session, () => undefined));
  });

  test('has at most 18 digits: 422, with nothing posted', async () => {
    const nearly = 10n ** 18n - 1n;
    await expect(depositOf(nearly)).rejects.toMatchObject({ status: 422 });
    await inMoney((session) => verifyEntries(session, () => undefined));
  });
});
