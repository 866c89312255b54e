// What a posting must be before anything of it is written: an error here is one of the code that posts, but for an amount that a client slipped into.

import { sumOf } from '../../fhir/decimal.ts';
import { isKeepable, isPlausible, largestAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { JournalLine } from './journal.ts';
import type { Posting } from './journal-chain.ts';

const linesMax = 5_000;
const keyLengthMax = 255;
const code = /^[A-Za-z0-9._:-]{1,64}$/;

export function requireSound(posting: Posting): void {
  const { businessDate, idempotencyKey, lines, reason, facts = {} } = posting;
  const { method, drawer, practitioner, department } = facts;
  const isSound =
    /^\d{4}-\d\d-\d\d$/.test(businessDate) &&
    idempotencyKey.length > 0 &&
    idempotencyKey.length <= keyLengthMax &&
    [reason, method].every((one) => one === undefined || code.test(one)) &&
    [drawer, practitioner, department].every((one) => one === undefined || isReference(one)) &&
    lines.length >= 2 &&
    lines.length <= linesMax &&
    lines.every(isSoundLine) &&
    sumOf(lines.map(({ amountMinor }) => amountMinor)) === 0n;
  if (!isSound) throw new RangeError(`A posting of type ${posting.type} is not one that the ledger can hold.`);
}

/** Throws 422 for an Invoice of more than a clinic charges. What is there already is settled and taken back whatever it is. */
export function requirePlausible({ type, lines, currency }: Pick<Posting, 'type' | 'lines' | 'currency'>): void {
  if (type !== 'CHARGE' || lines.every(({ amountMinor }) => isPlausible(amountMinor))) return;
  const diagnostics = `An Invoice and each of its sums amount to at most ${largestAmount(currency)} ${currency}.`;
  throw fhirError('business-rule', diagnostics, { expression: 'Invoice.totalGross' });
}

function isSoundLine({ account, amountMinor, party, invoice, revenue, credit }: JournalLine): boolean {
  const { number, sub } = account;
  return (
    /^\d{4}$/.test(number) &&
    isKeepable(amountMinor) &&
    (sub === undefined || isReference(sub) || code.test(sub)) &&
    [party, credit].every((one) => one === undefined || isReference(one)) &&
    (invoice === undefined || code.test(invoice)) &&
    (number === '2400') === (revenue !== undefined) &&
    (number === '2100') === (credit !== undefined)
  );
}

/** `Patient/x`. */
function isReference(text: string): boolean {
  return /^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}$/.test(text);
}
