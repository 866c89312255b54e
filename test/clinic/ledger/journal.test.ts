// Posting: once, in order, balanced by the database itself, in one clinic (domain.md 3.2, 3.5; security.md 113, 116, 117)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readCredits } from '../../../src/clinic/ledger/credit-balances.ts';
import { readDrawerDay } from '../../../src/clinic/ledger/drawer-days.ts';
import { postJournal } from '../../../src/clinic/ledger/post-journal.ts';
import { paymentLines, refundLines } from '../../../src/clinic/ledger/postings.ts';
import { reverseJournal } from '../../../src/clinic/ledger/reverse-journal.ts';
import { verifyEntries } from '../../../src/clinic/ledger/verify/verify-entries.ts';
import { withClient } from '../../support/database.ts';
import { deposit, type LedgerWorld, openLedgerWorld, today } from './ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await openLedgerWorld();
});
afterAll(() => world.close());

const patient = 'Patient/p1';
const facts = { method: 'CASH', drawer: 'Location/drawer' };
const reversal = { businessDate: today, source: 'PaymentReconciliation/1/_history/2', reason: 'void' };

async function pay(invoice: string, amountMinor: bigint, source = 'PaymentReconciliation/1/_history/1') {
  const allocation = { invoice, patient, balance: await world.a.balance(invoice), amountMinor };
  const payer = { patient, source: 'PaymentReconciliation/1' };
  const lines = paymentLines({ ...facts, amountMinor }, [allocation], payer);
  const [posted] = await world.a.post({ type: 'PAYMENT', subject: patient, source, lines, facts });
  return posted!;
}

const verify = () => world.a.inMoney((session) => verifyEntries(session, () => undefined));

describe('a posting', () => {
  test('has the next number and keeps what is outstanding, deferred, recognised and taxed', async () => {
    await world.a.charge('one', 10_000n, 2_000n);
    expect(await world.a.balance('one')).toEqual({
      ...{ currency: 'USD', basis: 'cash', chargedTo: patient, grossMinor: 12_000n, outstandingMinor: 12_000n },
      ...{ paidMinor: 0n, creditedMinor: 0n, writtenOffMinor: 0n },
      deferredMinor: new Map([['4000', 10_000n]]),
      recognisedMinor: new Map(),
      taxMinor: new Map([['VAT', 2_000n]]),
    });
    const first = await pay('one', 6_000n);
    const second = await pay('one', 6_000n);
    expect(second.seq).toBe(first.seq + 1);
    expect(await world.a.balance('one')).toMatchObject({
      ...{ outstandingMinor: 0n, paidMinor: 12_000n },
      deferredMinor: new Map(),
      recognisedMinor: new Map([['4000', 10_000n]]),
    });
  });

  test('of a key that was posted posts nothing and gives the first one back', async () => {
    const entry = world.a.entry(deposit(500n, { idempotencyKey: 'the same' }));
    const [first] = await world.a.inMoney((session) => postJournal(session, [entry]));
    const again = await world.a.inMoney((session) => postJournal(session, [entry, entry]));
    expect(first?.isReplay).toBe(false);
    expect(again).toEqual([1, 2].map(() => ({ ...first, isReplay: true })));
  });

  test('settles no more than is outstanding, and uses no more credit than is left: 409', async () => {
    await world.a.charge('two', 1_000n);
    const before = await world.a.balance('two');
    const allocation = { invoice: 'two', patient, balance: before, amountMinor: 1_000n };
    const lines = paymentLines({ ...facts, amountMinor: 1_000n }, [allocation], {
      patient,
      source: 'PaymentReconciliation/2',
    });
    await world.a.post({ type: 'PAYMENT', lines });
    // As one that was read before the lock would be.
    await expect(world.a.post({ type: 'PAYMENT', lines })).rejects.toMatchObject({ status: 409 });
    const refund = refundLines(
      { ...facts, amountMinor: 99_999n },
      [],
      [{ patient, source: 'PaymentReconciliation/deposit', amountMinor: 99_999n }],
    );
    await expect(world.a.post({ type: 'REFUND', lines: refund })).rejects.toMatchObject({ status: 409 });
    expect(await world.a.balance('two')).toMatchObject({ outstandingMinor: 0n, paidMinor: 1_000n });
  });

  test.each([
    [
      'that does not sum to nothing',
      {
        lines: [
          { account: { number: '1010' }, amountMinor: 1n },
          { account: { number: '6020' }, amountMinor: 1n },
        ],
      },
    ],
    ['of one line', { lines: [{ account: { number: '1010' }, amountMinor: 0n }] }],
    ['with free text as its reason', { reason: 'Mrs Miller has moved' }],
    ['of no day', { businessDate: 'today' }],
    ['that follows from nothing', { source: 'PaymentReconciliation/1' }],
  ])('%s is refused before anything is written', async (_, wrong) => {
    await expect(world.a.post(deposit(1n, wrong))).rejects.toThrow();
  });

  test('of an account that the clinic does not have is 422', async () => {
    const lines = [
      { account: { number: '4077' }, amountMinor: -1n },
      { account: { number: '1010' }, amountMinor: 1n },
    ];
    await expect(world.a.post({ type: 'CHARGE', lines })).rejects.toMatchObject({ status: 422 });
  });

  test('of a day to come is refused by the database', async () => {
    await expect(world.a.post(deposit(1n, { businessDate: '2999-01-01' }))).rejects.toThrow('a day to come');
  });
});

describe('a reversal', () => {
  test('is the exact mirror, once: the pair is nothing in each account, and a second one posts nothing (I9)', async () => {
    await world.a.charge('three', 4_000n, 800n);
    const charged = await world.a.balance('three');
    const posted = await pay('three', 4_801n - 1n, 'PaymentReconciliation/3/_history/1');
    const reverse = () => world.a.inMoney((session) => reverseJournal(session, { ids: [posted.id] }, reversal));
    const [first] = await reverse();
    const [second] = await reverse();
    expect([first?.isReplay, second?.isReplay, second?.id]).toEqual([false, true, first?.id]);
    expect(await world.a.balance('three')).toEqual(charged);
    const nets = await world.a.query<{ net: string }>(
      'SELECT sum(amount_minor)::text AS net FROM ledger_entry WHERE transaction_id = ANY ($1::text[]) GROUP BY account_id',
      [[posted.id, first?.id]],
    );
    expect(nets.map(({ net }) => net)).toEqual(nets.map(() => '0'));
    const { json } = await world.a.tenant.request('GET', `/Basic/${first?.id}`);
    expect(json.extension[2].valueReference).toEqual({ reference: `Basic/${posted.id}` });
  });

  test('takes back all that followed from a resource, in whatever versions', async () => {
    await world.a.charge('four', 1_000n);
    await pay('four', 400n, 'PaymentReconciliation/4/_history/1');
    await pay('four', 600n, 'PaymentReconciliation/4/_history/2');
    const source = 'PaymentReconciliation/4';
    const facts = { ...reversal, source: `${source}/_history/3` };
    expect(await world.a.inMoney((session) => reverseJournal(session, { source }, facts))).toHaveLength(2);
    expect((await world.a.balance('four')).outstandingMinor).toBe(1_000n);
  });
});

describe('credits and drawers', () => {
  test('credits are there oldest first, by patient and by source, as long as something is left', async () => {
    const lines = (source: string, amountMinor: bigint) =>
      paymentLines({ ...facts, amountMinor }, [], { patient: 'Patient/p2', source });
    await world.a.post(
      { type: 'DEPOSIT', lines: lines('PaymentReconciliation/new', 200n), businessDate: '2026-02-02' },
      { type: 'DEPOSIT', lines: lines('PaymentReconciliation/old', 100n), businessDate: '2026-02-01' },
    );
    const read = () => world.a.inMoney((session) => readCredits(session, { patients: ['Patient/p2'] }));
    expect((await read()).map(({ source, amountMinor }) => [source, amountMinor])).toEqual([
      ['PaymentReconciliation/old', 100n],
      ['PaymentReconciliation/new', 200n],
    ]);
    const used = { patient: 'Patient/p2', source: 'PaymentReconciliation/old', amountMinor: 100n };
    await world.a.post({ type: 'REFUND', lines: refundLines({ ...facts, amountMinor: 100n }, [], [used]) });
    const sources = ['PaymentReconciliation/old', 'PaymentReconciliation/new'];
    const left = await world.a.inMoney((session) => readCredits(session, { sources }));
    expect(left).toEqual([
      {
        patient: 'Patient/p2',
        heldFor: 'Patient/p2',
        source: 'PaymentReconciliation/new',
        currency: 'USD',
        amountMinor: 200n,
      },
    ]);
  });

  test('a drawer’s day is what came in less what went out, by method, without what settlement found (I12)', async () => {
    const drawer = 'Location/other';
    const day = { businessDate: '2026-03-03', facts: { method: 'CASH', drawer } };
    const money = { method: 'CASH', drawer, amountMinor: 700n };
    const payer = { patient, source: 'PaymentReconciliation/day' };
    const put = await world.a.tenant.request('PUT', `/${drawer}`, { resourceType: 'Location', id: 'other' });
    expect(put.status).toBe(201);
    await world.a.post(
      { type: 'DEPOSIT', lines: paymentLines(money, [], payer), ...day },
      {
        type: 'REFUND',
        lines: refundLines({ ...money, amountMinor: 200n }, [], [{ ...payer, amountMinor: 200n }]),
        ...day,
      },
      {
        type: 'DEPOSIT',
        lines: paymentLines({ method: 'CCCA', drawer, amountMinor: 300n }, [], payer),
        ...{ businessDate: day.businessDate, facts: { method: 'CCCA', drawer } },
      },
      {
        type: 'OVER_SHORT',
        lines: [
          { account: { number: '1010', sub: drawer }, amountMinor: 5n },
          { account: { number: '6020' }, amountMinor: -5n },
        ],
        ...day,
      },
    );
    const read = { drawer, businessDate: day.businessDate, currency: 'USD' } as const;
    expect(await world.a.inMoney((session) => readDrawerDay(session, read))).toEqual(
      new Map([
        ['CASH', 500n],
        ['CCCA', 300n],
      ]),
    );
  });
});

test('20 postings at once on the same accounts: no gap, no loss, one effect for each key (security.md 113)', async () => {
  const same = Array.from({ length: 5 }, () => world.a.entry(deposit(7n, { idempotencyKey: 'raced' })));
  const others = Array.from({ length: 15 }, () => world.a.entry(deposit(1n)));
  const [before] = await credits();
  await Promise.all([...same, ...others].map((entry) => world.a.inMoney((session) => postJournal(session, [entry]))));
  const [after] = await credits();
  expect(after!.amountMinor - before!.amountMinor).toBe(22n);
  await verify();
});

const credits = () =>
  world.a.inMoney((session) => readCredits(session, { sources: ['PaymentReconciliation/deposit'] }));

describe('the database', () => {
  const tables = ['ledger_transaction', 'ledger_entry'] as const;

  test.each(tables)(
    'refuses to change, remove and empty %s: the application, the migrator and the owner (I5)',
    async (table) => {
      for (const text of [`UPDATE ${table} SET tenant_id = tenant_id`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]) {
        await expect(world.a.query(text)).rejects.toThrow(/permission denied|is not a table/);
        await withClient(world.server.database.url, async (client) => {
          const stored = text.replace(table, `store.${table}`);
          await expect(client.query(`${stored}${text.startsWith('TRUNCATE') ? ' CASCADE' : ''}`)).rejects.toThrow(
            'written once',
          );
          await client.query(
            `BEGIN; SET LOCAL ROLE hpms_owner; SELECT set_config('hpms.tenant_id', '${world.a.tenant.id}', true)`,
          );
          await expect(client.query(`${stored}${text.startsWith('TRUNCATE') ? ' CASCADE' : ''}`)).rejects.toThrow(
            'written once',
          );
          await client.query('ROLLBACK');
        });
      }
    },
  );

  /** A journal by hand, as somebody who has the application's rights could try. */
  const byHand = (changes: string) =>
    world.a.query(
      `WITH head AS (SELECT * FROM ledger_transaction ORDER BY seq DESC LIMIT 1), made AS (
         INSERT INTO ledger_transaction (id, seq, type, business_date, source_type, source_id, source_version, subject,
           idempotency_key, actor, reason, method, drawer, recorded_at, prev_hash, hash)
         SELECT 'by-hand', seq + 1, type, business_date, source_type, source_id, source_version, subject, 'by hand', actor,
           reason, method, drawer, recorded_at, hash, hash FROM head RETURNING id, seq, business_date)
       INSERT INTO ledger_entry (transaction_id, line, seq, business_date, account_id, control_id, currency, amount_minor,
         account_seq, balance_after, party, invoice_id, revenue, credit, practitioner, department)
       SELECT made.id, given.line, made.seq, made.business_date, last.account_id, last.control_id, last.currency, given.amount,
         last.account_seq + given.line, last.balance_after + given.total, '', '', '', '', '', ''
       FROM made, (SELECT * FROM ledger_entry ORDER BY account_id, account_seq DESC LIMIT 1) AS last,
         (VALUES ${changes}) AS given (line, amount, total)`,
    );

  test.each([
    ['one line', '(1, 0, 0)', 'fewer than two lines'],
    ['lines that do not sum to nothing', '(1, 5, 5), (2, -4, 1)', 'sum to nothing'],
    [
      'a balance that is not the running one',
      '(1, 5, 6), (2, -5, 0)',
      'does not follow the one before it in its account',
    ],
  ])('refuses a journal of %s at COMMIT (I1, I3, security.md 117)', async (_, lines, refusal) => {
    await expect(byHand(lines)).rejects.toThrow(refusal);
  });

  test('refuses lines that are added to a journal of before, and a journal that does not follow the last', async () => {
    const added = `INSERT INTO ledger_entry (transaction_id, line, seq, business_date, account_id, control_id, currency,
        amount_minor, account_seq, balance_after, party, invoice_id, revenue, credit, practitioner, department)
      SELECT transaction_id, line + 100, seq, business_date, account_id, control_id, currency, 0, account_seq + 1,
        balance_after, '', '', '', '', '', '' FROM ledger_entry ORDER BY account_id, account_seq DESC LIMIT 1`;
    await expect(world.a.query(added)).rejects.toThrow('added to a journal of before');
  });

  test('refuses entries of one clinic in the journal or the account of another (I10)', async () => {
    const [own] = await world.a.query<{ id: string }>('SELECT id FROM ledger_transaction LIMIT 1');
    const [line] = await world.a.query<{ account_id: string }>('SELECT account_id FROM ledger_entry LIMIT 1');
    const insert = `INSERT INTO ledger_entry (transaction_id, line, seq, business_date, account_id, control_id, currency,
      amount_minor, account_seq, balance_after, party, invoice_id, revenue, credit, practitioner, department)
      VALUES ($1, 1, 1, '2026-01-01', $2, $2, 'USD', 0, 1, 0, '', '', '', '', '', '')`;
    await expect(world.b.query(insert, [own?.id, line?.account_id])).rejects.toThrow('foreign key');
  });
});

test('the chart that a clinic has already is taken as it is, also where the ledger does not know it yet', async () => {
  const identifier = [{ system: 'https://hpms.example/fhir/sid/gl-account', value: '1010' }];
  const drawers = { resourceType: 'Account', id: 'drawers', status: 'active', name: 'Our drawers', identifier };
  expect((await world.b.tenant.request('PUT', '/Account/drawers', drawers)).status).toBe(201);
  await withClient(world.server.database.url, (client) =>
    client.query("DELETE FROM store.ledger_account WHERE account_id = 'drawers'"),
  );
  await world.b.post(deposit(100n));
  expect((await world.b.accountOf('1010')).id).toBe('drawers');
  expect((await world.b.accountOf('1010/Location/drawer')).partOf).toEqual({ reference: 'Account/drawers' });
  const { json } = await world.b.tenant.request('GET', '/Account?_summary=count');
  // The root, the 27 of the chart, and two below them.
  expect(json.total).toBe(30);
});

describe('verification', () => {
  test('finds nothing where nothing was changed, and comes to the head of the chain', async () => {
    const { headSeq, lines } = await verify();
    const [row] = await world.a.query<{ seq: string; lines: string }>(
      'SELECT max(seq)::text AS seq, (SELECT count(*) FROM ledger_entry)::text AS lines FROM ledger_transaction',
    );
    expect([String(headSeq), String(lines)]).toEqual([row?.seq, row?.lines]);
  });

  test.each([
    [
      'an amount',
      'ledger_entry SET amount_minor = amount_minor + 1 WHERE seq = 3',
      'amount_minor = amount_minor - 1 WHERE seq = 3',
      'I16: Transaction 3',
    ],
    [
      'a date',
      'ledger_transaction SET business_date = business_date - 1 WHERE seq = 2',
      'business_date = business_date + 1 WHERE seq = 2',
      'I16: Transaction 2',
    ],
    ['a hash', 'ledger_transaction SET hash = sha256(hash) WHERE seq = 2', '', 'I16: Transaction 2'],
    [
      'what is kept of an Invoice',
      "ledger_invoice SET outstanding_minor = 1 WHERE invoice_id = 'one'",
      "outstanding_minor = 0 WHERE invoice_id = 'one'",
      'I6: What is outstanding of Invoice/one is 1',
    ],
    [
      'what is left of a credit',
      'ledger_credit SET amount_minor = amount_minor + 1',
      'amount_minor = amount_minor - 1',
      'I8: What is left of the credit',
    ],
    [
      'the sum of a day',
      'ledger_day SET debit_minor = debit_minor + 1',
      'debit_minor = debit_minor - 1',
      'I4: The sum of a day',
    ],
    [
      'a fact',
      'ledger_fact SET credit_minor = credit_minor + 1',
      'credit_minor = credit_minor - 1',
      'I4: A fact of a day',
    ],
  ])('names the first place where somebody changed %s (security.md 123)', async (_, change, back, difference) => {
    const [table] = change.split(' ');
    const [kept] = await world.a.query<{ hash: string }>(
      "SELECT encode(hash, 'hex') AS hash FROM ledger_transaction WHERE seq = 2",
    );
    await tamper(`UPDATE store.${change}`);
    await expect(verify()).rejects.toThrow(difference);
    await tamper(
      `UPDATE store.${table} SET ${back === '' ? `hash = decode('${kept?.hash}', 'hex') WHERE seq = 2` : back}`,
    );
    await verify();
  });

  test('names a transaction that is gone, a wall that is down, and a Basic resource that shows something else', async () => {
    await tamper('CREATE TABLE store.aside AS SELECT * FROM store.ledger_transaction WHERE seq = 4 AND tenant_id = $1');
    await tamper('DELETE FROM store.ledger_transaction WHERE seq = 4');
    await expect(verify()).rejects.toThrow('I16: Transaction 4 is missing');
    await tamper('INSERT INTO store.ledger_transaction SELECT * FROM store.aside');
    await tamper('ALTER TABLE store.ledger_entry DISABLE TRIGGER refuse_change');
    await expect(verify()).rejects.toThrow('I5: The database has no trigger ledger_entry refuse_change');
    await tamper('ALTER TABLE store.ledger_entry ENABLE TRIGGER refuse_change');
    await verify();
    await tamper(
      "UPDATE store.resource SET version_id = 2 WHERE type = 'Basic' AND id IN (SELECT id FROM store.ledger_transaction WHERE seq = 1)",
    );
    await expect(verify()).rejects.toThrow('shown: Basic/');
  });
});

/** Past all triggers, as a superuser can, in the first clinic. */
async function tamper(text: string): Promise<void> {
  const tenantId = String(world.a.tenant.id);
  const inTenant = text.startsWith('UPDATE') || text.startsWith('DELETE');
  const where = text.includes('WHERE') ? ' AND ' : ' WHERE ';
  await withClient(world.server.database.url, async (client) => {
    await client.query('SET session_replication_role = replica');
    await client.query(inTenant ? `${text}${where}tenant_id = ${tenantId}` : text.replace('$1', tenantId));
  });
}
