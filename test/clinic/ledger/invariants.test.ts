// Whatever happens, in whatever order, the ledger keeps its invariants (domain.md 3.5, I17)

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChainedJournal } from '../../../src/clinic/ledger/journal-chain.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { type Book, MoneyRun, moneyEvents } from './random-money.ts';

describe.each(['cash', 'accrual'] as const)('after random events on %s basis', (basis) => {
  test('all invariants hold, and what is settled is recognised', async () => {
    await fc.assert(
      fc.asyncProperty(moneyEvents(60), async (events) => {
        const ledger = new MemoryLedger();
        const run = new MoneyRun(bookOf(ledger), basis);
        for (const event of events) {
          await run.run(event);
          checkInvoices(ledger, run);
        }
        checkAccounts(ledger);
        checkTotals(ledger, run);
      }),
      { seed: 20_261_120, numRuns: 300 },
    );
  });
});

function bookOf(ledger: MemoryLedger): Book {
  const byId = new Map<string, ChainedJournal>();
  return {
    balance: async (invoice) => ledger.balance(invoice),
    credit: async (source) => ledger.credits.get(source) ?? 0n,
    async post(type, lines) {
      const journal = ledger.post(type, lines);
      byId.set(journal.id, journal);
      return journal.id;
    },
    async reverse(ids) {
      for (const id of ids.toReversed()) ledger.reverse(byId.get(id)!);
    },
  };
}

const sum = (amounts: Iterable<bigint>) => [...amounts].reduce((total, amount) => total + amount, 0n);

/** I6, and that nothing stays deferred of what is settled. */
function checkInvoices(ledger: MemoryLedger, { invoices }: MoneyRun): void {
  for (const invoice of invoices) {
    const balance = ledger.balance(invoice);
    const { grossMinor, paidMinor, creditedMinor, writtenOffMinor, outstandingMinor, deferredMinor } = balance;
    expect(outstandingMinor).toBe(grossMinor - paidMinor - creditedMinor - writtenOffMinor);
    expect(outstandingMinor >= 0n && paidMinor >= 0n).toBe(true);
    if (outstandingMinor === 0n || balance.basis === 'accrual') expect([...deferredMinor]).toEqual([]);
  }
}

/** I1, I3, I4, I9. */
function checkAccounts({ journals }: MemoryLedger): void {
  const last = new Map<string, { seq: bigint; balance: bigint }>();
  for (const { lines } of journals) {
    expect(sum(lines.map(({ amountMinor }) => amountMinor))).toBe(0n);
    for (const { state, amountMinor, accountSeq, balanceAfterMinor } of lines) {
      const before = last.get(state.accountId) ?? { seq: 0n, balance: 0n };
      expect([accountSeq, balanceAfterMinor]).toEqual([before.seq + 1n, before.balance + amountMinor]);
      last.set(state.accountId, { seq: accountSeq, balance: balanceAfterMinor });
    }
  }
  const reversed = journals.flatMap(({ posting }) => posting.reverses ?? []);
  expect(new Set(reversed).size).toBe(reversed.length);
}

/** I2, I8, I14. */
function checkTotals(ledger: MemoryLedger, run: MoneyRun): void {
  const balances = run.invoices.map((invoice) => ledger.balance(invoice));
  expect(ledger.sumOfAll()).toBe(0n);
  expect(ledger.total('1010')).toBe(run.takenInMinor);
  expect(ledger.total('1200')).toBe(sum(balances.map(({ outstandingMinor }) => outstandingMinor)));
  expect(ledger.total('2100')).toBe(-sum(ledger.credits.values()));
  expect([...ledger.credits.values()].every((amount) => amount >= 0n)).toBe(true);
  expect(ledger.total('2200')).toBe(-sum(balances.flatMap(({ taxMinor }) => [...taxMinor.values()])));
  expect(ledger.total('2200')).toBe(-run.taxIssuedMinor + creditedTax(ledger));
  expect(ledger.total('2400')).toBe(-sum(balances.flatMap(({ deferredMinor }) => [...deferredMinor.values()])));
}

function creditedTax({ journals }: MemoryLedger): bigint {
  const notes = journals.filter(({ posting }) => posting.type === 'ADJUSTMENT');
  const lines = notes.flatMap((note) => note.lines.filter(({ account }) => account.number === '2200'));
  return sum(lines.map(({ amountMinor }) => amountMinor));
}

test('on cash basis revenue is the net share of what was paid, to a unit for each payment (D15)', async () => {
  await fc.assert(
    fc.asyncProperty(moneyEvents(40), async (events) => {
      const ledger = new MemoryLedger();
      const run = new MoneyRun(bookOf(ledger), 'cash');
      const kinds = new Set(['charge', 'pay', 'overpay', 'apply', 'refund', 'void']);
      for (const event of events.filter(({ kind }) => kinds.has(kind))) await run.run(event);
      for (const invoice of run.invoices) {
        const { grossMinor, paidMinor, recognisedMinor, deferredMinor } = ledger.balance(invoice);
        const recognised = sum(recognisedMinor.values());
        const net = recognised + sum(deferredMinor.values());
        const apart = recognised * grossMinor - paidMinor * net;
        const unitsMax = BigInt(ledger.journals.length) * grossMinor;
        expect(apart <= unitsMax && -apart <= unitsMax).toBe(true);
        if (paidMinor === 0n) expect(recognised).toBe(0n);
      }
    }),
    { seed: 20_261_121, numRuns: 200 },
  );
});
