// Every event of domain.md 3.3 as its debits and credits, on both bases (contract.md 29 to 36, 44; D15)

import { describe, expect, test } from '@jest/globals';
import type { InvoiceBalance } from '../../../src/clinic/ledger/invoice-balances.ts';
import {
  applyCreditLines,
  chargeLines,
  creditableMinor,
  creditNoteLines,
  moneyAccount,
  overShortLines,
  paymentLines,
  refundLines,
  writeOffLines,
} from '../../../src/clinic/ledger/postings.ts';
import { MemoryLedger, shown } from './memory-ledger.ts';

const patient = 'Patient/p';
const facts = { invoice: 'i', patient };
const payer = { patient, source: 'PaymentReconciliation/1' };
const cash = (amountMinor: bigint) => ({ method: 'CASH', amountMinor });

/** 100.00 net of consultation with 20.00 of tax. */
function charged(basis: InvoiceBalance['basis']): MemoryLedger {
  const ledger = new MemoryLedger();
  const charge = { ...facts, basis, netMinor: new Map([['4000', 10_000n]]), taxMinor: new Map([['VAT', 2_000n]]) };
  ledger.post('CHARGE', chargeLines(charge));
  return ledger;
}

function pay(ledger: MemoryLedger, amountMinor: bigint) {
  const allocation = { ...facts, balance: ledger.balance('i'), amountMinor };
  return ledger.post('PAYMENT', paymentLines(cash(amountMinor), [allocation], payer));
}

describe('issue', () => {
  test('on accrual basis: Dr 1200, Cr 40xx and 2200', () => {
    const [journal] = charged('accrual').journals;
    expect(shown(journal!.posting.lines)).toEqual([`1200 ${patient} 12000`, '4000 -10000', '2200 VAT -2000']);
  });

  test('on cash basis 2400 is credited instead of 40xx', () => {
    const [journal] = charged('cash').journals;
    expect(shown(journal!.posting.lines)).toEqual([`1200 ${patient} 12000`, '2400 -10000', '2200 VAT -2000']);
    expect(journal!.posting.lines[1]?.revenue).toBe('4000');
  });

  test('discounts are debits of 4100, and 40xx is credited with the gross of discount', () => {
    const netMinor = new Map([
      ['4000', 10_000n],
      ['4100', -1_500n],
    ]);
    const lines = chargeLines({ ...facts, basis: 'accrual', netMinor, taxMinor: new Map() });
    expect(shown(lines)).toEqual([`1200 ${patient} 8500`, '4000 -10000', '4100 1500']);
  });

  test.each(['cash', 'accrual'] as const)('an Invoice of nothing is charged too, on %s basis', (basis) => {
    const ledger = new MemoryLedger();
    ledger.post('CHARGE', chargeLines({ ...facts, basis, netMinor: new Map([['4000', 0n]]), taxMinor: new Map() }));
    expect(ledger.balance('i')).toMatchObject({ grossMinor: 0n, outstandingMinor: 0n });
  });

  test('what is given away wholly waits for no payment', () => {
    const netMinor = new Map([
      ['4000', 10_000n],
      ['4100', -10_000n],
    ]);
    const lines = chargeLines({ ...facts, basis: 'cash', netMinor, taxMinor: new Map() });
    expect(shown(lines)).toEqual([`1200 ${patient} 0`, '4000 -10000', '4100 10000']);
  });

  test('the name of a tax becomes the code of its account', () => {
    const taxMinor = new Map([['City tax 5 %', 500n]]);
    const lines = chargeLines({ ...facts, basis: 'cash', netMinor: new Map([['4000', 100n]]), taxMinor });
    expect(lines.at(-1)?.account).toEqual({ number: '2200', sub: 'City-tax-5-' });
  });
});

describe('payment', () => {
  test.each([
    ['CASH', { number: '1010' }],
    ['CCCA', { number: '1020' }],
    ['DEBC', { number: '1020' }],
    ['UPI', { number: '1030' }],
    ['wallet', { number: '1030' }],
    ['DDPO', { number: '1040' }],
    ['CHCK', { number: '1050' }],
  ])('by %s is in %j', (method, account) => {
    expect(moneyAccount({ method })).toEqual(account);
  });

  test('cash is in the account of its drawer, a card is not', () => {
    expect(moneyAccount({ method: 'CASH', drawer: 'Location/d' })).toEqual({ number: '1010', sub: 'Location/d' });
    expect(moneyAccount({ method: 'CCCA', drawer: 'Location/d' })).toEqual({ number: '1020' });
  });

  test('on accrual basis: Dr money, Cr 1200', () => {
    expect(shown(pay(charged('accrual'), 5_000n).posting.lines)).toEqual(['1010 5000', `1200 ${patient} -5000`]);
  });

  test('on cash basis the net share of it moves from 2400 to 40xx, and the last payment takes the rest', () => {
    const ledger = charged('cash');
    const first = ['1010 5001', `1200 ${patient} -5001`, '2400 4168', '4000 -4168'];
    expect(shown(pay(ledger, 5_001n).posting.lines)).toEqual(first);
    const last = ['1010 6999', `1200 ${patient} -6999`, '2400 5832', '4000 -5832'];
    expect(shown(pay(ledger, 6_999n).posting.lines)).toEqual(last);
    expect(ledger.total('2400')).toBe(0n);
  });

  test('what is paid above the allocations is credit on 2100', () => {
    const ledger = charged('accrual');
    const allocation = { ...facts, balance: ledger.balance('i'), amountMinor: 12_000n };
    const lines = paymentLines(cash(15_000n), [allocation], payer);
    expect(shown(lines)).toEqual(['1010 15000', `1200 ${patient} -12000`, `2100 ${patient} -3000`]);
  });

  test('a deposit is credit, and at issue Dr 2100 Cr 1200 with its revenue', () => {
    const ledger = charged('cash');
    ledger.post('DEPOSIT', paymentLines(cash(3_000n), [], payer));
    expect(ledger.credits.get(payer.source)).toBe(3_000n);
    const allocation = { ...facts, balance: ledger.balance('i'), amountMinor: 3_000n };
    const lines = applyCreditLines([{ ...payer, amountMinor: 3_000n }], [allocation]);
    expect(shown(lines)).toEqual([`2100 ${patient} 3000`, `1200 ${patient} -3000`, '2400 2500', '4000 -2500']);
    ledger.post('APPLY_CREDIT', lines);
    expect(ledger.credits.get(payer.source)).toBe(0n);
  });

  test('a relative pays: the Invoice is settled in its own patient’s account, the rest is the payer’s', () => {
    const ledger = charged('accrual');
    const allocation = { ...facts, balance: ledger.balance('i'), amountMinor: 12_000n };
    const relative = { patient: 'Patient/q', source: payer.source };
    expect(shown(paymentLines(cash(12_500n), [allocation], relative))).toEqual([
      '1010 12500',
      `1200 ${patient} -12000`,
      '2100 Patient/q -500',
    ]);
  });

  test('two details of one Invoice are one settlement of it', () => {
    const ledger = charged('cash');
    const detail = { ...facts, balance: ledger.balance('i'), amountMinor: 6_000n };
    const lines = paymentLines(cash(12_000n), [detail, detail], payer);
    expect(shown(lines)).toEqual(['1010 12000', `1200 ${patient} -12000`, '2400 10000', '4000 -10000']);
  });

  test('never more than is outstanding, nor more than was paid', () => {
    const ledger = charged('cash');
    const allocation = { ...facts, balance: ledger.balance('i'), amountMinor: 12_001n };
    expect(() => paymentLines(cash(12_001n), [allocation], payer)).toThrow(RangeError);
    expect(() => paymentLines(cash(1n), [{ ...allocation, amountMinor: 2n }], payer)).toThrow(RangeError);
  });
});

describe('refund', () => {
  test('of a payment: Dr 1200, which reopens, Cr money; on cash basis its revenue goes back', () => {
    const ledger = charged('cash');
    pay(ledger, 5_001n);
    const reopened = { ...facts, balance: ledger.balance('i'), amountMinor: 5_001n };
    const lines = refundLines(cash(5_001n), [reopened], []);
    expect(shown(lines)).toEqual([`1200 ${patient} 5001`, '4000 4168', '2400 -4168', '1010 -5001']);
  });

  test('on accrual basis revenue stays', () => {
    const ledger = charged('accrual');
    pay(ledger, 12_000n);
    const reopened = { ...facts, balance: ledger.balance('i'), amountMinor: 2_000n };
    expect(shown(refundLines(cash(2_000n), [reopened], []))).toEqual([`1200 ${patient} 2000`, '1010 -2000']);
  });

  test('of credit: Dr 2100, Cr money', () => {
    const lines = refundLines(cash(1_000n), [], [{ ...payer, amountMinor: 1_000n }]);
    expect(shown(lines)).toEqual([`2100 ${patient} 1000`, '1010 -1000']);
  });

  test('never more than was paid', () => {
    const ledger = charged('cash');
    pay(ledger, 5_000n);
    const reopened = { ...facts, balance: ledger.balance('i'), amountMinor: 5_001n };
    expect(() => refundLines(cash(5_001n), [reopened], [])).toThrow(RangeError);
  });

  test('a void is the exact mirror, and leaves nothing behind', () => {
    const ledger = charged('cash');
    ledger.reverse(pay(ledger, 5_001n));
    expect(ledger.balance('i')).toEqual(charged('cash').balance('i'));
  });
});

describe('credit note', () => {
  const note = (ledger: MemoryLedger, amountMinor: bigint) =>
    creditNoteLines({ ...facts, balance: ledger.balance('i'), amountMinor, note: 'Invoice/n' });

  test('of an unpaid Invoice: Dr 40xx and 2200 in proportion, Cr 1200', () => {
    expect(shown(note(charged('accrual'), 6_000n))).toEqual(['4000 5000', '2200 VAT 1000', `1200 ${patient} -6000`]);
    expect(shown(note(charged('cash'), 6_000n))).toEqual(['2400 5000', '2200 VAT 1000', `1200 ${patient} -6000`]);
  });

  test('of a paid one the amount becomes credit of the patient', () => {
    const ledger = charged('cash');
    pay(ledger, 12_000n);
    expect(shown(note(ledger, 2_400n))).toEqual(['4000 2000', '2200 VAT 400', `2100 ${patient} -2400`]);
  });

  test('of one paid in part: the outstanding first, the net from 2400 for the unpaid and from 40xx for the paid share', () => {
    const ledger = charged('cash');
    pay(ledger, 9_000n);
    expect(shown(note(ledger, 6_000n))).toEqual([
      '2400 2500',
      '4000 2500',
      '2200 VAT 1000',
      `1200 ${patient} -3000`,
      `2100 ${patient} -3000`,
    ]);
  });

  test('the notes together are never more than the Invoice', () => {
    const ledger = charged('cash');
    ledger.post('ADJUSTMENT', note(ledger, 7_000n));
    expect(creditableMinor(ledger.balance('i'))).toBe(5_000n);
    expect(() => note(ledger, 5_001n)).toThrow(RangeError);
    ledger.post('ADJUSTMENT', note(ledger, 5_000n));
    expect(ledger.balance('i')).toMatchObject({ outstandingMinor: 0n, creditedMinor: 12_000n });
    expect([ledger.total('2400'), ledger.total('2200'), ledger.total('1200')]).toEqual([0n, 0n, 0n]);
  });

  test('a refund of the payment reopens the Invoice; the credit no longer counts for it', () => {
    const ledger = charged('cash');
    pay(ledger, 12_000n);
    ledger.post('ADJUSTMENT', note(ledger, 2_400n));
    const reopened = { ...facts, balance: ledger.balance('i'), amountMinor: 12_000n };
    ledger.post('REFUND', refundLines(cash(12_000n), [reopened], []));
    expect(ledger.balance('i').outstandingMinor).toBe(12_000n);
    expect(ledger.total('4000')).toBe(0n);
  });
});

describe('write-off', () => {
  test.each([
    ['BAD_DEBT', '6000'],
    ['HARDSHIP', '6010'],
    ['SMALL_BALANCE', '6030'],
  ] as const)('%s: Dr %s, Cr 1200, and on cash basis nothing stays deferred', (reason, number) => {
    const ledger = charged('cash');
    pay(ledger, 6_000n);
    const rest = { ...facts, balance: ledger.balance('i'), amountMinor: 6_000n };
    const lines = writeOffLines(rest, reason);
    expect(shown(lines)).toEqual([`${number} 6000`, `1200 ${patient} -6000`, '2400 5000', '4000 -5000']);
    ledger.post('WRITE_OFF', lines);
    expect([ledger.total('2400'), ledger.total('2200')]).toEqual([0n, -2_000n]);
  });

  test('on accrual basis revenue is there already', () => {
    const ledger = charged('accrual');
    const all = { ...facts, balance: ledger.balance('i'), amountMinor: 12_000n };
    expect(shown(writeOffLines(all, 'BAD_DEBT'))).toEqual(['6000 12000', `1200 ${patient} -12000`]);
  });
});

describe('settlement', () => {
  test('what is over is Dr money, Cr 6020; what is short the other way round', () => {
    const drawer = { method: 'CASH', drawer: 'Location/d' };
    expect(shown(overShortLines({ ...drawer, amountMinor: 150n }))).toEqual(['1010 Location/d 150', '6020 -150']);
    expect(shown(overShortLines({ ...drawer, amountMinor: -150n }))).toEqual(['1010 Location/d -150', '6020 150']);
  });
});
