// How much of each part of a payment its Invoice can take: the rest is the patient's credit (contract.md 34).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { exactMoney } from './content.ts';
import type { Allocation, Payment } from './payment.ts';

/**
 * What is left of the parts, each cut to what is outstanding of its Invoice, which `outstanding` is lowered by. Parts for
 * Invoices that are not in it stay as they are.
 */
export function cutToOutstanding(allocations: readonly Allocation[], outstanding: Map<string, bigint>): Allocation[] {
  return allocations.flatMap((allocation) => {
    const { target, amountMinor } = allocation;
    const open = target?.type === 'Invoice' ? outstanding.get(target.id) : undefined;
    if (!target || open === undefined) return [allocation];
    const takenMinor = lesser(amountMinor, open);
    outstanding.set(target.id, open - takenMinor);
    return takenMinor > 0n ? [{ ...allocation, amountMinor: takenMinor }] : [];
  });
}

/** True when a payment says already what it is cut to. */
export function isCut({ allocations }: Payment, kept: readonly Allocation[]): boolean {
  return (
    allocations.length === kept.length &&
    allocations.every(({ amountMinor }, position) => kept[position]?.amountMinor === amountMinor)
  );
}

/** The payment with the parts that are left; to be used with `editContent`. */
export function withAllocations(
  { detail = [], ...rest }: PaymentReconciliation,
  { allocations, currency }: Payment,
  kept: readonly Allocation[],
): PaymentReconciliation {
  const sent = new Map(allocations.map(({ index, amountMinor }) => [index, amountMinor]));
  const left = kept.flatMap(({ index, amountMinor }) => {
    const part = detail[index];
    if (!part) return [];
    return sent.get(index) === amountMinor ? [part] : [{ ...part, amount: exactMoney(amountMinor, currency) }];
  });
  return { ...rest, ...(left.length > 0 && { detail: left }) };
}

export function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
