// The checker can fail: books that agree, each doctored in one place, and the difference it names (domain.md 3.5).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Extension } from '@medplum/fhirtypes';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { urls } from '../payments/till.ts';
import { type Books, numberIn, readBooks } from './books.ts';
import { isNote } from './check-numbers.ts';
import { kindOf } from './check-payments.ts';
import { firstDifference } from './check-week.ts';
import { makeDay } from './full-day.ts';

let server: TestServer;
let books: Books;
beforeAll(async () => {
  server = await startTestServer();
  books = await readBooks(await makeDay(server));
});
afterAll(() => server.close());

test('books that nobody has touched agree', () => {
  expect(firstDifference(books)).toBeUndefined();
});

// biome-ignore lint/suspicious/noExplicitAny: resources are doctored in places that differ with the type.
type Doctored = Record<keyof Books, any[]>;

const extensionOf = (resource: { extension?: Extension[] }, url: string): Extension =>
  resource.extension!.find((one) => one.url.endsWith(url))!;
const entriesOf = (basic: { extension: Extension[] }) => basic.extension.filter(({ url }) => url === urls.entry);
const partOf = (entry: Extension, name: string) => entry.extension!.find(({ url }) => url === name)!;
const journalOf = ({ basics }: Doctored, type: string) =>
  basics.find((one) => extensionOf(one, 'ledger-type').valueCode === type);
const paidInvoice = ({ invoices }: Doctored) => invoices.find((one) => one.status === 'balanced' && !isNote(one));
const openInvoice = ({ invoices }: Doctored) => invoices.find((one) => one.status === 'issued' && !isNote(one));
const note = ({ invoices }: Doctored) => invoices.find(isNote);
const refundOf = ({ payments }: Doctored) => payments.find((one) => kindOf(one) === 'refund');
const depositOf = ({ payments }: Doctored) => payments.find((one) => kindOf(one) === 'advance');
const settlementOf = ({ payments }: Doctored) => payments.find((one) => kindOf(one) === 'settlement');
const fulfilled = ({ appointments }: Doctored) => appointments.find(({ status }) => status === 'fulfilled');
const encounterOf = ({ encounters }: Doctored, { id }: { id: string }) =>
  encounters.find(({ appointment }) => appointment?.[0]?.reference === `Appointment/${id}`);
const remove = <T>(list: T[], one: T) => void list.splice(list.indexOf(one), 1);
const payOff = (books: Doctored) => books.payments.find((one) => kindOf(one) === 'payment' && one.detail?.length > 0);

const doctorings: readonly (readonly [string, RegExp, (books: Doctored) => void])[] = [
  [
    'an entry of another amount',
    /^I1/,
    (b) => (partOf(entriesOf(b.basics[0])[0]!, 'amount').valueMoney!.value! += 0.01),
  ],
  [
    'a running balance that is off',
    /^I3/,
    (b) => (partOf(entriesOf(b.basics[0])[0]!, 'balanceAfter').valueMoney!.value! += 1),
  ],
  ['a gap in an account', /^I3/, (b) => (partOf(entriesOf(b.basics[0])[0]!, 'seq').valueInteger! += 1)],
  ['a journal that is gone', /^I/, (b) => remove(b.basics, journalOf(b, 'CHARGE'))],
  [
    'an Account that shows another balance',
    /^I4/,
    (b) => (extensionOf(b.accounts[0], 'closing-balance').valueMoney!.value! += 5),
  ],
  [
    'an Account that is found with another balance',
    /^42/,
    (b) => (extensionOf(b.accounts[0], 'Account.balance').extension![0]!.valueMoney!.value! += 5),
  ],
  [
    'a tax that is not posted',
    /^I14/,
    (b) =>
      b.invoices
        .find((one) => one.status === 'balanced' && !isNote(one))
        .totalPriceComponent.push({ type: 'tax', amount: { value: 1 } }),
  ],
  [
    'a reversal of something else',
    /^I9/,
    (b) => {
      const other = journalOf(b, 'CHARGE').id;
      extensionOf(journalOf(b, 'REVERSAL'), 'reverses').valueReference = { reference: `Basic/${other}` };
    },
  ],
  ['a journal reversed twice', /^I/, (b) => b.basics.push({ ...journalOf(b, 'REVERSAL'), id: 'again' })],
  [
    'an outstanding that is too much',
    /^I6/,
    (b) => (extensionOf(openInvoice(b), 'outstanding').valueMoney!.value! += 10),
  ],
  ['an Invoice that is paid and not balanced', /^I7/, (b) => (paidInvoice(b).status = 'issued')],
  ['a balanced Invoice that is not paid', /^I7/, (b) => (openInvoice(b).status = 'balanced')],
  ['a wrong payment state', /^28/, (b) => (extensionOf(paidInvoice(b), 'payment-state').valueCode = 'partial')],
  ['a wrong total', /^25/, (b) => (paidInvoice(b).totalGross.value += 1)],
  ['a note of another amount', /^25/, (b) => (note(b).totalGross.value -= 1)],
  ['a note that is not there', /^I11/, (b) => remove(b.invoices, note(b))],
  ['a payment used for more than it is', /^I/, (b) => (payOff(b).detail[0].amount.value += 500)],
  ['a refund that is not there', /^I/, (b) => remove(b.payments, refundOf(b))],
  ['more refunds than there was money', /^I/, (b) => b.payments.push({ ...refundOf(b), id: 'again' })],
  ['a deposit that is not posted', /^I11/, (b) => b.payments.push({ ...depositOf(b), id: 'again' })],
  ['a void that is not posted', /^I/, (b) => (payOff(b).status = 'cancelled')],
  ['a receipt that is gone', /^39/, (b) => b.receipts.pop()],
  ['a receipt of another amount', /^39/, (b) => (b.receipts[0].amount.value += 1)],
  ['two receipts of the same', /^39/, (b) => b.receipts.push({ ...b.receipts[0], id: 'again' })],
  ['a settlement that expected something else', /^I12/, (b) => (settlementOf(b).paymentAmount.value += 1)],
  ['a method that expected something else', /^I12/, (b) => (settlementOf(b).detail[0].amount.value += 1)],
  ['a second Encounter', /^14/, (b) => b.encounters.push({ ...encounterOf(b, fulfilled(b)), id: 'again' })],
  ['a fulfilled visit in session', /^SM-1/, (b) => (encounterOf(b, fulfilled(b)).status = 'in-progress')],
  ['a finished Encounter of a booked visit', /^SM-1/, (b) => (fulfilled(b).status = 'booked')],
  ['a fulfilled visit without Invoice', /^3\.6/, (b) => remove(b.invoices, autoOf(b))],
  ['two drafts of one visit', /^3\.6|^SM-2/, (b) => b.invoices.push({ ...autoOf(b), id: 'again' })],
  [
    'a ChargeItem that is billed and on a draft',
    /^SM-2/,
    (b) => (b.chargeItems.at(-1).status = flip(b.chargeItems.at(-1).status)),
  ],
  ['two visits at the same time', /^double booking/, (b) => b.appointments.push({ ...fulfilled(b), id: 'again' })],
  [
    'two patients in a room',
    /^double booking/,
    (b) => {
      const room = b.locations.find(({ physicalType }) => physicalType);
      const [one, two] = b.appointments.filter(({ status }) => status === 'fulfilled');
      Object.assign(two, { start: one.start, end: one.end });
      for (const visit of [one, two])
        visit.participant = [{ actor: { reference: `Location/${room.id}` }, status: 'accepted' }];
    },
  ],
  ['a gap in a queue', /^15/, (b) => (extensionOf(encounterOf(b, fulfilled(b)), 'queue-number').valueInteger! += 7)],
  ...(['invoice', 'receipt', 'credit-note', 'patient', 'appointment'] as const).map(
    (series) => [`a gap in the numbers of ${series}`, /^45/, (b: Doctored) => renumber(b, series)] as const,
  ),
];

const autoOf = ({ invoices }: Doctored) =>
  invoices.find((one) => one.status === 'draft' && numberIn(one, 'auto-invoice'));
const flip = (status: string) => (status === 'billed' ? 'billable' : 'billed');

function renumber(books: Doctored, series: string): void {
  const all = [...books.invoices, ...books.receipts, ...books.patients, ...books.appointments];
  const numbered = all
    .flatMap(({ identifier = [] }) => identifier)
    .find(({ system }) => system.endsWith(`/sid/${series}`));
  numbered.value = numbered.value.replace(/\d+$/, '99999');
}

describe('doctored, it names', () => {
  test.each(doctorings)('%s', (_, expected, doctor) => {
    const copy = structuredClone(books) as Doctored;
    doctor(copy);
    expect(firstDifference(copy)).toMatch(expected);
  });
});
