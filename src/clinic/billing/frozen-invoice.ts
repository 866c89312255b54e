// What was issued or ended stays as it is: a write may repeat it, tag it, and nothing else (domain.md SM-2, security.md 118).

import { isDeepStrictEqual } from 'node:util';
import type { Invoice } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import { creditNoteNumberSystem, extensionUrls, invoiceNumberSystem } from './canonicals.ts';

/** Throws 409 unless the content is the stored one; what the server owns, and totals, may be left out. Puts the stored one in its place. */
export function keepFrozen(change: Change): void {
  const next = change.resource as Invoice;
  const old = change.oldResource as Invoice;
  if (!isSameContent(old, next)) throw frozen(old);
  restoreContent(change, {});
}

/** The stored content with these elements instead, and with the meta that was sent. */
export function restoreContent(change: Change, changed: Partial<Invoice>): void {
  const next = change.resource as Invoice;
  const { meta } = next;
  const { meta: _, ...stored } = structuredClone(change.oldResource as Invoice);
  for (const key of Object.keys(next)) delete next[key as keyof Invoice];
  Object.assign(next, { resourceType: stored.resourceType, id: stored.id, meta }, stored, changed);
  change.exactNumbers = change.old?.body && parseJson(change.old.body.toString()).exactNumbers;
}

export function isSameContent(old: Invoice, next: Invoice): boolean {
  const totals = ['totalPriceComponent', 'totalNet', 'totalGross'] as const;
  const given = comparable(next);
  const stored = comparable(old);
  for (const total of totals) if (given[total] === undefined) delete stored[total];
  return isDeepStrictEqual(given, stored);
}

/** True of what was issued here, whatever became of it. */
export function hasNumber(invoice: Invoice | undefined): boolean {
  return invoice?.identifier?.some(({ system }) => ownSystems.has(system)) ?? false;
}

const ownExtensions: ReadonlySet<string> = new Set([
  extensionUrls.paymentState,
  extensionUrls.outstanding,
  extensionUrls.dueDate,
  extensionUrls.approvedBy,
]);

const ownSystems: ReadonlySet<string | undefined> = new Set([invoiceNumberSystem, creditNoteNumberSystem]);

/** Without what a client need not, or cannot, repeat. */
function comparable(invoice: Invoice): Partial<Invoice> {
  const { meta: _meta, status: _status, cancelledReason: _reason, date: _date, ...rest } = invoice;
  const { identifier, extension, ...content } = rest;
  return {
    ...content,
    ...notEmpty(
      'identifier',
      identifier?.filter(({ system }) => !ownSystems.has(system)),
    ),
    ...notEmpty(
      'extension',
      extension?.filter(({ url }) => !ownExtensions.has(url)),
    ),
  };
}

function notEmpty<Key extends string, T>(key: Key, list: readonly T[] | undefined) {
  return list && list.length > 0 ? { [key]: list } : {};
}

function frozen({ status }: Invoice): Error {
  const way =
    status === 'issued' || status === 'balanced' ? 'correct it by a credit note, or cancel it' : 'make a new one';
  return fhirError('conflict', `An Invoice that is ${status} does not change: ${way}.`, { expression: 'Invoice' });
}
