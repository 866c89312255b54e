// Who may give how much away: limits by role, and the name of who answers for it (domain.md S4-M11, S4-C09, setting `discounts.limits`).

import type { Extension, Invoice } from '@medplum/fhirtypes';
import { powerOfTen, readDecimal, sumOf } from '../../fhir/decimal.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { extensionUrls } from './canonicals.ts';
import type { CompletedLine } from './complete-lines.ts';
import type { EarlierCharge, EarlierCharges } from './earlier-charges.ts';
import { listedOf, netOf } from './price-line.ts';

export interface Reduction {
  /** Below what the list asks, or where it asks nothing below what is written before discounts. */
  readonly givenMinor: bigint;
  readonly ofMinor: bigint;
}

/** A percentage from 0 to 100; undefined for who needs none: the server, and clients that act for themselves without a role. */
export function discountLimitOf(
  { kind, roles }: Session['caller'],
  limits: Readonly<Record<string, number>>,
): number | undefined {
  if (kind === 'server' || (kind === 'client' && roles.size === 0)) return undefined;
  const limit = Math.max(0, ...[...roles].map((role) => limits[role] ?? 0));
  return limit >= 100 ? undefined : limit;
}

/** What was charged before and is gone is given away whole. */
export function reductionOf(lines: readonly CompletedLine[], { byKey, keysOf }: EarlierCharges): Reduction {
  const gone = new Map(byKey);
  const keys = keysOf(lines.map(({ line }) => line));
  const reductions = lines.map((line, index) => {
    const key = keys[index] ?? '';
    gone.delete(key);
    return reductionOfLine(line, byKey.get(key));
  });
  const missing = [...gone.values()].map(({ netMinor, listedMinor }) => ({
    givenMinor: netMinor,
    ofMinor: listedMinor,
  }));
  const all = [...reductions, ...missing];
  return {
    givenMinor: sumOf(all.map(({ givenMinor }) => givenMinor)),
    ofMinor: sumOf(all.map(({ ofMinor }) => ofMinor)),
  };
}

function reductionOfLine({ components, asked }: CompletedLine, earlier: EarlierCharge | undefined): Reduction {
  // A price that is written lower than it is listed is a discount like any other.
  const listedMinor = listedOf(asked?.components ?? components);
  const askedMinor = asked ? netOf(asked.components) : listedMinor;
  // And so is a ChargeItem that was given another code, which the list asks less for.
  const before = earlier?.isRewritten ? earlier : { netMinor: 0n, listedMinor: 0n };
  const givenMinor = max(askedMinor, before.netMinor) - netOf(components);
  return { givenMinor: max(givenMinor, 0n), ofMinor: max(listedMinor, before.listedMinor) };
}

export interface DiscountedDraft {
  readonly invoice: Invoice;
  readonly old: Invoice | undefined;
  readonly reduction: Reduction;
  readonly oldReduction: Reduction;
}

/**
 * Throws 403 for who gives more away than there was, in money or as a share, beyond the limit of every role it holds. Who may,
 * and is a Practitioner, is written into the draft as `X/approved-by`, which nobody can write for somebody else.
 */
export function approveDiscount(
  { invoice, old, reduction, oldReduction }: DiscountedDraft,
  caller: Session['caller'],
  limitPercent: number | undefined,
): void {
  const isRaised = reduction.givenMinor > oldReduction.givenMinor;
  const wasOver = isOver(oldReduction, limitPercent);
  if (isOver(reduction, limitPercent) && (isRaised || !wasOver)) throw overLimit(limitPercent ?? 0);
  const { fhirUser } = caller;
  const isPerson = fhirUser?.startsWith('Practitioner/') ?? false;
  const held = approverOf(old);
  const approver = isRaised && isPerson ? approvalBy(fhirUser ?? '') : held;
  const given = approverOf(invoice);
  // A client without a person and without limits brings what was approved elsewhere.
  const isFree = limitPercent === undefined && !isPerson;
  if (given && !isFree && !isSame(given, approver) && !isSame(given, held)) throw approvedByOther();
  const kept = isFree ? (given ?? held) : approver;
  setApprover(invoice, reduction.givenMinor > 0n ? kept : undefined);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function isOver({ givenMinor, ofMinor }: Reduction, limitPercent: number | undefined): boolean {
  if (limitPercent === undefined) return false;
  const limit = readDecimal(limitPercent) ?? { digits: 0n, scale: 0 };
  return givenMinor * 100n * powerOfTen(limit.scale) > ofMinor * limit.digits;
}

function approverOf(invoice: Invoice | undefined): Extension | undefined {
  return invoice?.extension?.find(({ url }) => url === extensionUrls.approvedBy);
}

function approvalBy(reference: string): Extension {
  return { url: extensionUrls.approvedBy, valueReference: { reference } };
}

function isSame(one: Extension, other: Extension | undefined): boolean {
  return one.valueReference?.reference === other?.valueReference?.reference;
}

function setApprover(invoice: Invoice, approval: Extension | undefined): void {
  const others = (invoice.extension ?? []).filter(({ url }) => url !== extensionUrls.approvedBy);
  const extension = approval ? [...others, approval] : others;
  if (extension.length > 0) invoice.extension = extension;
  else delete invoice.extension;
}

function overLimit(limitPercent: number): Error {
  return fhirError(
    'forbidden',
    `Your roles may give discounts of up to ${limitPercent} %: let somebody whose limit is higher write this draft.`,
    { expression: 'Invoice.lineItem' },
  );
}

function approvedByOther(): Error {
  const diagnostics = 'Only the approver can say so, by writing the discount into the draft: leave approved-by out.';
  return fhirError('forbidden', diagnostics, { expression: 'Invoice.extension' });
}
