// Random events of a clinic's money, interpreted against what there is: whoever runs them gets only events that may happen.

import fc from 'fast-check';
import type { InvoiceBalance } from '../../../src/clinic/ledger/invoice-balances.ts';
import type { JournalLine, LedgerType } from '../../../src/clinic/ledger/journal.ts';
import {
  applyCreditLines,
  chargeLines,
  creditableMinor,
  creditNoteLines,
  overShortLines,
  paymentLines,
  refundLines,
  writeOffLines,
} from '../../../src/clinic/ledger/postings.ts';

/** What a run of events asks of the ledger it is run on. */
export interface Book {
  balance(invoice: string): Promise<InvoiceBalance>;
  /** What is left of a credit. */
  credit(source: string): Promise<bigint>;
  /** Gives the id of the posting. */
  post(type: LedgerType, lines: readonly JournalLine[], source?: string): Promise<string>;
  reverse(ids: readonly string[]): Promise<void>;
}

const kinds = [
  'charge',
  'pay',
  'overpay',
  'apply',
  'refund',
  'give-back',
  'note',
  'write-off',
  'void',
  'settle',
] as const;

export interface MoneyEvent {
  readonly kind: (typeof kinds)[number];
  /** Chooses among what there is. */
  readonly pick: number;
  /** Of what is possible, in thousandths; the whole is common. */
  readonly share: number;
  readonly amounts: readonly number[];
}

export const moneyEvents = (lengthMax: number) =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      pick: fc.nat(1_000),
      share: fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 999 })),
      amounts: fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 2, maxLength: 4 }),
    }),
    { minLength: 5, maxLength: lengthMax },
  );

interface Payment {
  readonly source: string;
  readonly ids: string[];
  /** What it settled, by Invoice. */
  readonly allocated: Map<string, bigint>;
  isTouched: boolean;
  isVoid: boolean;
}

/** What has happened so far, told apart from the ledger's own sums. */
export class MoneyRun {
  readonly invoices: string[] = [];
  readonly payments: Payment[] = [];
  readonly notes: string[] = [];
  taxIssuedMinor = 0n;
  takenInMinor = 0n;
  readonly #book: Book;
  readonly #basis: InvoiceBalance['basis'];

  constructor(book: Book, basis: InvoiceBalance['basis']) {
    this.#book = book;
    this.#basis = basis;
  }

  async run(event: MoneyEvent): Promise<void> {
    const invoice = this.invoices[event.pick % Math.max(this.invoices.length, 1)];
    if (event.kind === 'charge' || invoice === undefined) return await this.#charge(event);
    const balance = await this.#book.balance(invoice);
    switch (event.kind) {
      case 'pay':
      case 'overpay':
        return await this.#pay(event, invoice, balance);
      case 'apply':
        return await this.#apply(event, invoice, balance);
      case 'refund':
        return await this.#refund(event);
      case 'give-back':
        return await this.#giveBack(event);
      case 'note':
        return await this.#note(event, invoice, balance);
      case 'write-off':
        return await this.#writeOff(event, invoice, balance);
      case 'void':
        return await this.#void(event);
      case 'settle':
        await this.#book.post('OVER_SHORT', overShortLines({ ...cash, amountMinor: BigInt(event.share - 500) }));
        this.takenInMinor += BigInt(event.share - 500);
    }
  }

  async #charge({ amounts, pick }: MoneyEvent): Promise<void> {
    const invoice = `i${this.invoices.length}`;
    const [net = 1, tax = 1, more = 0, discount = 0] = amounts.map(BigInt) as bigint[];
    const netMinor = new Map([['4000', BigInt(net)]]);
    if (more > 0) netMinor.set('4020', BigInt(more));
    if (discount > 0) netMinor.set('4100', -(BigInt(discount) % BigInt(net)));
    const taxMinor = new Map<string, bigint>(pick % 3 === 0 ? [] : [['VAT', BigInt(tax) % 20_000n]]);
    if (pick % 3 === 2) taxMinor.set('City', 7n);
    await this.#book.post('CHARGE', chargeLines({ ...facts(invoice), basis: this.#basis, netMinor, taxMinor }));
    this.invoices.push(invoice);
    for (const amount of taxMinor.values()) this.taxIssuedMinor += amount;
  }

  async #pay({ kind, share, amounts }: MoneyEvent, invoice: string, balance: InvoiceBalance): Promise<void> {
    const settled = part(balance.outstandingMinor, share);
    const amountMinor = settled + (kind === 'overpay' ? BigInt(amounts[0] ?? 1) : 0n);
    if (amountMinor === 0n) return;
    const source = `PaymentReconciliation/p${this.payments.length}`;
    const allocations = settled > 0n ? [{ ...facts(invoice), balance, amountMinor: settled }] : [];
    const lines = paymentLines({ ...cash, amountMinor }, allocations, { patient, source });
    const id = await this.#book.post(settled > 0n ? 'PAYMENT' : 'DEPOSIT', lines, `${source}/_history/1`);
    this.takenInMinor += amountMinor;
    const allocated = new Map(settled > 0n ? [[invoice, settled]] : []);
    this.payments.push({ source, ids: [id], allocated, isTouched: false, isVoid: false });
  }

  async #apply({ pick, share }: MoneyEvent, invoice: string, balance: InvoiceBalance): Promise<void> {
    const payment = this.#live(pick);
    if (!payment) return;
    const left = await this.#book.credit(payment.source);
    const usable = left - balance.outstandingMinor > 0n ? balance.outstandingMinor : left;
    const amountMinor = part(usable, share);
    if (amountMinor === 0n) return;
    const credit = { patient, source: payment.source, amountMinor };
    const lines = applyCreditLines([credit], [{ ...facts(invoice), balance, amountMinor }]);
    payment.ids.push(await this.#book.post('APPLY_CREDIT', lines, `${payment.source}/_history/2`));
    payment.allocated.set(invoice, (payment.allocated.get(invoice) ?? 0n) + amountMinor);
  }

  async #refund({ pick, share }: MoneyEvent): Promise<void> {
    const payment = this.#live(pick);
    const [invoice, settled] = [...(payment?.allocated ?? [])][0] ?? [];
    if (!payment || invoice === undefined || settled === undefined) return;
    const amountMinor = part(settled, share);
    if (amountMinor === 0n) return;
    const balance = await this.#book.balance(invoice);
    await this.#book.post(
      'REFUND',
      refundLines({ ...cash, amountMinor }, [{ ...facts(invoice), balance, amountMinor }], []),
    );
    payment.isTouched = true;
    payment.allocated.set(invoice, settled - amountMinor);
    this.takenInMinor -= amountMinor;
  }

  async #giveBack({ pick, share }: MoneyEvent): Promise<void> {
    const sources = [...this.payments.filter(({ isVoid }) => !isVoid).map(({ source }) => source), ...this.notes];
    const source = sources[pick % Math.max(sources.length, 1)];
    const amountMinor = source === undefined ? 0n : part(await this.#book.credit(source), share);
    if (source === undefined || amountMinor === 0n) return;
    await this.#book.post('REFUND', refundLines({ ...cash, amountMinor }, [], [{ patient, source, amountMinor }]));
    for (const payment of this.payments) if (payment.source === source) payment.isTouched = true;
    this.takenInMinor -= amountMinor;
  }

  async #note({ share }: MoneyEvent, invoice: string, balance: InvoiceBalance): Promise<void> {
    const amountMinor = part(creditableMinor(balance), share);
    if (amountMinor === 0n) return;
    const note = `Invoice/n${this.notes.length}`;
    await this.#book.post('ADJUSTMENT', creditNoteLines({ ...facts(invoice), balance, amountMinor, note }));
    this.notes.push(note);
  }

  async #writeOff({ share }: MoneyEvent, invoice: string, balance: InvoiceBalance): Promise<void> {
    const amountMinor = part(balance.outstandingMinor, share);
    if (amountMinor === 0n) return;
    await this.#book.post('WRITE_OFF', writeOffLines({ ...facts(invoice), balance, amountMinor }, 'BAD_DEBT'));
  }

  async #void({ pick }: MoneyEvent): Promise<void> {
    const payment = this.#live(pick);
    if (!payment || payment.isTouched) return;
    const before = await this.#book.credit(payment.source);
    await this.#book.reverse(payment.ids);
    payment.isVoid = true;
    const settled = [...payment.allocated.values()].reduce((sum, amount) => sum + amount, 0n);
    this.takenInMinor -= settled + before;
  }

  #live(pick: number): Payment | undefined {
    const live = this.payments.filter(({ isVoid }) => !isVoid);
    return live[pick % Math.max(live.length, 1)];
  }
}

export const patient = 'Patient/p1';
const cash = { method: 'CASH', drawer: 'Location/drawer' } as const;
const facts = (invoice: string) => ({ invoice, patient });

/** At least one unit of what there is. */
function part(whole: bigint, share: number): bigint {
  if (whole <= 0n) return 0n;
  return (whole * BigInt(share) + 999n) / 1_000n;
}
