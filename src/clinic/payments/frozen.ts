// What stays as it was once a payment is more than a draft: everything but how it goes on (contract.md 36, 37).

import type { Extension, PaymentReconciliation } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { extensionUrls } from './canonicals.ts';
import { extensionOf, withoutExtension } from './payment.ts';
import type { Phase } from './phase.ts';

export interface Successor {
  readonly old: PaymentReconciliation;
  readonly next: PaymentReconciliation;
  readonly from: Phase;
  readonly to: Phase;
}

/**
 * The stored payment with what may change in this step. Throws 422 where anything else would: what the server fills in may be
 * left out, and who voids need not know how the money was divided since.
 */
export function succeed({ old, next: sent, from, to }: Successor): PaymentReconciliation {
  const free = freeElements(from, to);
  // What the bank asks for a payment that it takes back is said with the void.
  const next = from === 'posted' && to === 'void' ? withoutExtension(sent, extensionUrls.bankFee) : sent;
  const changed = Object.keys({ ...old, ...next }).find((key) => !free.has(key) && !isSame(key, old, next));
  if (changed !== undefined) {
    throw fhirError('business-rule', `A payment that is ${to} stays as it is: void it, and post another one.`, {
      expression: `PaymentReconciliation.${changed}`,
    });
  }
  const kept = Object.entries(old).filter(([key]) => !free.has(key) || key === 'detail' || key in next);
  const taken = Object.entries(next).filter(([key]) => free.has(key) && key !== 'detail');
  // Whoever voids need not repeat what came of it.
  const outcome = next.outcome ?? old.outcome;
  const succeeded = Object.fromEntries([...kept, ...taken]) as unknown as PaymentReconciliation;
  return { ...succeeded, ...(outcome !== undefined && { outcome }) };
}

const labels = ['id', 'meta', 'text', 'language', 'status', 'outcome'];
const reasons = ['disposition', 'processNote'];
const gatewayIds = ['identifier', 'paymentIdentifier'];

/** Status and outcome are for the phases to allow. */
function freeElements(from: Phase, to: Phase): ReadonlySet<string> {
  return new Set([
    ...labels,
    ...(from === to ? [] : reasons),
    ...(from === 'queued' && to !== from ? gatewayIds : []),
    ...(to === 'void' ? ['detail'] : []),
  ]);
}

function isSame(key: string, old: PaymentReconciliation, next: PaymentReconciliation): boolean {
  if (key === 'extension') return sameText(ownExtensions(old, next), ownExtensions(next, next));
  return sameText(old[key as keyof PaymentReconciliation], next[key as keyof PaymentReconciliation]);
}

const filledIn = [extensionUrls.issuer, extensionUrls.method, extensionUrls.bankFee] as const;

/** Those of the client, in one order. */
function ownExtensions(of: PaymentReconciliation, next: PaymentReconciliation): Extension[] {
  const leftOut = filledIn.filter((url) => !extensionOf(next, url));
  const servers = [extensionUrls.netAmount, extensionUrls.variance];
  const others: ReadonlySet<string | undefined> = new Set([...servers, ...leftOut]);
  return (of.extension ?? []).filter(({ url }) => !others.has(url)).sort((a, b) => order(a.url ?? '', b.url ?? ''));
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** The order of members says nothing in JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => order(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
