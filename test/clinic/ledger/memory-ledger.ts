// A ledger without a database: the same chain and the same changes, added up in memory, for the rules that need no more.

import type { AccountState } from '../../../src/clinic/ledger/account-rows.ts';
import { stateKey } from '../../../src/clinic/ledger/account-rows.ts';
import { chainJournals } from '../../../src/clinic/ledger/chain-journals.ts';
import { creditChanges } from '../../../src/clinic/ledger/credit-changes.ts';
import type { InvoiceBalance } from '../../../src/clinic/ledger/invoice-balances.ts';
import { type InvoiceAmounts, invoiceChanges } from '../../../src/clinic/ledger/invoice-changes.ts';
import type { JournalLine, LedgerType } from '../../../src/clinic/ledger/journal.ts';
import type { ChainedJournal, Posting } from '../../../src/clinic/ledger/journal-chain.ts';
import { requireSound } from '../../../src/clinic/ledger/require-sound.ts';
import type { Session } from '../../../src/repository/session.ts';

/** What the chain asks of a session. */
const session = {
  at: new Date('2026-11-20T12:00:00Z'),
  caller: { agent: { reference: 'Practitioner/1' } },
  trx: { tenantId: 1 },
} as unknown as Session;

type KeptInvoice = InvoiceAmounts & Pick<InvoiceBalance, 'basis'>;

export class MemoryLedger {
  readonly journals: ChainedJournal[] = [];
  /** By `source`. */
  readonly credits = new Map<string, bigint>();
  readonly #accounts = new Map<string, AccountState>();
  readonly #invoices = new Map<string, KeptInvoice>();

  post(type: LedgerType, lines: readonly JournalLine[], more: Partial<Posting> = {}): ChainedJournal {
    const key = `key ${this.journals.length}`;
    const said = { type, businessDate: '2026-11-20', source: 'Patient/1/_history/1', idempotencyKey: key } as const;
    const posting: Posting = { ...said, currency: 'USD', lines, ...more };
    requireSound(posting);
    for (const { account } of lines) this.#open(account.number, account.sub);
    const last = this.journals.at(-1);
    const head = last ?? { seq: 0n, hash: Buffer.alloc(0) };
    const [journal] = chainJournals(session, [posting], { head, accounts: this.#accounts, owners: new Map() });
    if (!journal) throw new Error('Nothing was chained.');
    this.journals.push(journal);
    for (const line of journal.lines) this.#accounts.set(stateKey({ ...line.account, currency: 'USD' }), line.state);
    this.#keep(journal);
    return journal;
  }

  /** The exact mirror, as reverseJournal posts it. */
  reverse({ id, posting }: ChainedJournal): ChainedJournal {
    const lines = posting.lines.map((line) => ({ ...line, amountMinor: -line.amountMinor }));
    return this.post('REVERSAL', lines, { mirrors: posting.mirrors ?? posting.type, reverses: id, reason: 'void' });
  }

  balance(invoice: string): InvoiceBalance {
    const kept = this.#invoices.get(invoice);
    if (!kept) throw new Error('The Invoice was never charged.');
    const { parts, ...amounts } = kept;
    const ofKind = (kind: string) =>
      new Map(
        [...parts].flatMap(([key, amount]) =>
          key.startsWith(kind) && amount !== 0n ? [[key.slice(kind.length), amount]] : [],
        ),
      );
    return {
      ...amounts,
      currency: 'USD',
      deferredMinor: ofKind('deferred/'),
      recognisedMinor: ofKind('recognised/'),
      taxMinor: ofKind('tax/'),
    };
  }

  /** Of an account of the chart with all below it: debits less credits. */
  total(number: string): bigint {
    return [...this.#accounts.values()].reduce(
      (sum, one) => (one.number === number ? sum + one.balanceMinor : sum),
      0n,
    );
  }

  sumOfAll(): bigint {
    return [...this.#accounts.values()].reduce((sum, { balanceMinor }) => sum + balanceMinor, 0n);
  }

  #open(number: string, sub = ''): void {
    const key = stateKey({ number, sub, currency: 'USD' });
    if (this.#accounts.has(key)) return;
    const place = { number, sub, currency: 'USD', accountId: `${number}.${sub.replace('/', '.')}`, controlId: number };
    this.#accounts.set(key, { ...place, seq: 0n, balanceMinor: 0n });
  }

  #keep(journal: ChainedJournal): void {
    for (const change of invoiceChanges([journal])) {
      const kept = this.#invoices.get(change.invoice);
      if (!kept) {
        this.#invoices.set(change.invoice, change);
        continue;
      }
      for (const name of ['grossMinor', 'paidMinor', 'creditedMinor', 'writtenOffMinor', 'outstandingMinor'] as const) {
        kept[name] += change[name];
      }
      for (const [key, amount] of change.parts) kept.parts.set(key, (kept.parts.get(key) ?? 0n) + amount);
    }
    for (const { source, amountMinor } of creditChanges([journal])) {
      this.credits.set(source, (this.credits.get(source) ?? 0n) + amountMinor);
    }
  }
}

/** `1200 Patient/p 120` for each line, debits positive, for comparisons that people can read. */
export function shown(lines: readonly JournalLine[]): string[] {
  return lines.map(
    ({ account, amountMinor }) => `${account.number}${account.sub ? ` ${account.sub}` : ''} ${amountMinor}`,
  );
}
