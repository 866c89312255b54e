// Who may give how much away: limits by role, and the name of who answers for it (domain.md S4-M11, S4-C09, setting `discounts.limits`).

import type { Extension, Invoice } from '@medplum/fhirtypes';
import { powerOfTen, readDecimal, sumOf } from '../../fhir/decimal.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { extensionUrls } from './canonicals.ts';
import type { CompletedLine } from './complete-lines.ts';
import { type LineComponent, netOf } from './price-line.ts';

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

export function reductionOf(lines: readonly Pick<CompletedLine, 'components' | 'asked'>[]): Reduction {
  const reductions = lines.map(({ components, asked }) => {
    // A price that is written lower than it is listed is a discount like any other.
    const ofMinor = listedMinor(asked?.components ?? components);
    const askedMinor = asked ? netOf(asked.components) : ofMinor;
    const givenMinor = askedMinor - netOf(components);
    return { givenMinor: givenMinor > 0n ? givenMinor : 0n, ofMinor };
  });
  return {
    givenMinor: sumOf(reductions.map(({ givenMinor }) => givenMinor)),
    ofMinor: sumOf(reductions.map(({ ofMinor }) => ofMinor)),
  };
}

export interface DiscountedDraft {
  readonly invoice: Invoice;
  readonly old: Invoice | undefined;
  readonly reduction: Reduction;
  readonly oldReduction: Reduction;
}

/**
 * Throws 403 for who gives more away than there was, beyond the limit of every role it holds. Who may, and is a Practitioner,
 * is written into the draft as `X/approved-by`, which nobody can write for somebody else.
 */
export function approveDiscount(
  { invoice, old, reduction, oldReduction }: DiscountedDraft,
  caller: Session['caller'],
  limitPercent: number | undefined,
): void {
  const isRaised = reduction.givenMinor > oldReduction.givenMinor;
  if (isRaised && isOver(reduction, limitPercent)) throw overLimit(limitPercent ?? 0);
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

function listedMinor(components: readonly LineComponent[]): bigint {
  const listed = components.filter(({ type }) => type === 'base' || type === 'surcharge');
  return sumOf(listed.map(({ amountMinor }) => amountMinor));
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
