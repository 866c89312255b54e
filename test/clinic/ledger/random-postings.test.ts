// Random events on a real ledger, some at once: what is kept beside the entries is what they come to (domain.md 3.5, I17)

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readCredits } from '../../../src/clinic/ledger/credit-balances.ts';
import type { PostedJournal } from '../../../src/clinic/ledger/journal.ts';
import { reverseJournal } from '../../../src/clinic/ledger/reverse-journal.ts';
import { verifyEntries } from '../../../src/clinic/ledger/verify/verify-entries.ts';
import { deposit, type LedgerClinic, type LedgerWorld, openLedgerWorld, today } from './ledger-world.ts';
import { type Book, MoneyRun, moneyEvents } from './random-money.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await openLedgerWorld();
});
afterAll(() => world.close());

let rounds = 0;

/** Ids that no other run has. */
function bookOf(clinic: LedgerClinic, prefix: string): Book {
  const renamed = (source: string) => source.replace('/', `/${prefix}`);
  return {
    balance: (invoice) => clinic.balance(`${prefix}${invoice}`),
    async credit(source) {
      const [credit] = await clinic.inMoney((session) => readCredits(session, { sources: [renamed(source)] }));
      return credit?.amountMinor ?? 0n;
    },
    async post(type, lines, source = 'Patient/p1/_history/1') {
      const own = lines.map(({ invoice, credit, ...line }) => ({
        ...line,
        ...(invoice !== undefined && { invoice: `${prefix}${invoice}` }),
        ...(credit !== undefined && { credit: renamed(credit) }),
      }));
      const facts = { method: 'CASH', drawer: 'Location/drawer' };
      const [posted] = await clinic.post({ type, lines: own, source, facts });
      return (posted as PostedJournal).id;
    },
    async reverse(ids) {
      const source = 'Patient/p1/_history/1';
      await clinic.inMoney((session) =>
        reverseJournal(session, { ids }, { businessDate: today, source, reason: 'void' }),
      );
    },
  };
}

test.each(['cash', 'accrual'] as const)('two runs at once on %s basis, beside deposits of everybody', async (basis) => {
  await fc.assert(
    fc.asyncProperty(moneyEvents(25), moneyEvents(25), async (one, other) => {
      rounds += 1;
      const prefix = `r${rounds}.`;
      const runs = [one, other].map(async (events, index) => {
        const run = new MoneyRun(bookOf(world.a, `${prefix}${index}.`), basis);
        for (const event of events) await run.run(event);
      });
      await Promise.all([...runs, ...[1n, 2n, 3n].map((amount) => world.a.post(deposit(amount)))]);
      const { headSeq } = await world.a.inMoney((session) => verifyEntries(session, () => undefined));
      expect(headSeq > 0n).toBe(true);
    }),
    { seed: 20_261_122, numRuns: 3 },
  );
});

test('the other clinic has posted nothing, and its ledger is as it was', async () => {
  const { headSeq, lines } = await world.b.inMoney((session) => verifyEntries(session, () => undefined));
  expect([headSeq, lines]).toEqual([0n, 0]);
});
