// Changes of a PaymentReconciliation that the server makes, with the texts of all its numbers: https://hl7.org/fhir/R4/datatypes.html#decimal

import type { Money, PaymentReconciliation, Resource } from '@medplum/fhirtypes';
import { type Currency, formatAmount } from '../../fhir/money.ts';
import type { Change, Content } from '../../repository/change.ts';
import { ExactNumber, findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';

/** `edit` gives a new resource and may use `exactMoney` in it. */
export function editContent(
  { resource, exactNumbers }: Content,
  edit: (payment: PaymentReconciliation) => PaymentReconciliation,
): Content {
  const tree = edit(markExact(resource, exactNumbers) as PaymentReconciliation);
  const texts = findExact(tree);
  return { resource: unmarkExact(tree) as Resource, exactNumbers: texts };
}

/** With all decimals of its currency. */
export function exactMoney(amountMinor: bigint, currency: Currency): Money {
  return { value: new ExactNumber(formatAmount(amountMinor, currency)) as unknown as number, currency };
}

/** In the place of what the change was to write; before it is validated. */
export function replaceContent(change: Change, { resource, exactNumbers }: Content): void {
  const current = change.resource as unknown as Record<string, unknown>;
  for (const key of Object.keys(current)) delete current[key];
  Object.assign(current, resource);
  change.exactNumbers = exactNumbers;
}
