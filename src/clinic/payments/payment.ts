// A payment as the clinic's rules see it, read from its PaymentReconciliation alone (contract.md 31 to 36).

import type { Extension, PaymentReconciliation } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import { type LocalTarget, localTarget } from '../billing/local-target.ts';
import { extensionUrls, ownPaymentTypeSystem, paymentTypeSystem } from './canonicals.ts';
import type { MethodCode } from './money-method.ts';
import type { Phase } from './phase.ts';

const kindsBySystem = {
  [paymentTypeSystem]: ['payment', 'advance', 'adjustment'],
  [ownPaymentTypeSystem]: ['copay', 'refund', 'settlement', 'float', 'pay-in', 'pay-out', 'hand-over'],
} as const;

/** Money that comes in, goes back, and moves between the clinic's own hands. */
export type PaymentKind = MoneyIn | 'refund' | 'settlement' | DrawerMove;

type MoneyIn = 'payment' | 'advance' | 'adjustment' | 'copay';
type DrawerMove = 'float' | 'pay-in' | 'pay-out' | 'hand-over';

export interface Payment {
  readonly kind: PaymentKind;
  readonly phase: Phase;
  readonly amountMinor: bigint;
  readonly currency: Currency;
  /** Absent for a refund that goes back the way the money came. */
  readonly method: MethodCode | undefined;
  /** Who paid. */
  readonly issuer: LocalTarget | undefined;
  /** The id of the drawer's Location; undefined = the main drawer. */
  readonly drawer: string | undefined;
  /** The business date. */
  readonly day: string;
  /** The payment or credit note whose money a refund gives back. */
  readonly refunds: LocalTarget | undefined;
  readonly allocations: readonly Allocation[];
  /** Of a void: the bank has taken the money back, and asks so much for it. */
  readonly bankFeeMinor: bigint | undefined;
}

export interface Allocation {
  /** Position of its `detail`. */
  readonly index: number;
  /** An Invoice or an Appointment; undefined for money that is for nothing yet. */
  readonly target: LocalTarget | undefined;
  readonly amountMinor: bigint;
}

/** False for records from outside, which are not this clinic's money (contract.md 50). */
export function isMoney(resource: PaymentReconciliation): boolean {
  return extensionsOf(resource, extensionUrls.type).length > 0;
}

export function kindOf(resource: PaymentReconciliation): PaymentKind | undefined {
  const concept = extensionOf(resource, extensionUrls.type)?.valueCodeableConcept;
  for (const { system, code } of concept?.coding ?? []) {
    const kinds: readonly string[] | undefined = (kindsBySystem as Record<string, readonly string[]>)[system ?? ''];
    if (code !== undefined && kinds?.includes(code)) return code as PaymentKind;
  }
  return undefined;
}

const moneyIn: ReadonlySet<PaymentKind> = new Set<MoneyIn>(['payment', 'advance', 'adjustment', 'copay']);
const drawerMoves: ReadonlySet<PaymentKind> = new Set<DrawerMove>(['float', 'pay-in', 'pay-out', 'hand-over']);

export function isMoneyIn(kind: PaymentKind): boolean {
  return moneyIn.has(kind);
}

/** Cash that is put into a drawer or taken from it, or counted when another cashier takes it over. */
export function isDrawerMove(kind: PaymentKind): boolean {
  return drawerMoves.has(kind);
}

export function extensionOf(
  { extension }: Pick<PaymentReconciliation, 'extension'>,
  url: string,
): Extension | undefined {
  return extension?.find((one) => one.url === url);
}

export function extensionsOf({ extension }: Pick<PaymentReconciliation, 'extension'>, url: string): Extension[] {
  return (extension ?? []).filter((one) => one.url === url);
}

/** Puts the extension in the place of those with its url. */
export function withExtension<T extends { extension?: Extension[] }>(element: T, extension: Extension): T {
  const others = (element.extension ?? []).filter(({ url }) => url !== extension.url);
  return { ...element, extension: [...others, extension] };
}

export function withoutExtension<T extends { extension?: Extension[] }>(element: T, url: string): T {
  const { extension = [], ...rest } = element;
  const others = extension.filter((one) => one.url !== url);
  return { ...rest, ...(others.length > 0 && { extension: others }) } as T;
}

/** The resource that an extension names. */
export function targetOf(resource: PaymentReconciliation, url: string): LocalTarget | undefined {
  return localTarget(extensionOf(resource, url)?.valueReference);
}
