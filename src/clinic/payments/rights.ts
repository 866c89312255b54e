// Who may take money, give it back, void and settle: limits of roles beside the scopes (domain.md 5, contract.md 2, 48, 49).

import { readDecimal } from '../../fhir/decimal.ts';
import { type Currency, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { Payment } from './payment.ts';

type Caller = Session['caller'];

/** Throws 403 for money that the caller's role does not take. */
export function requireTaking(caller: Caller, { kind, phase, method }: Payment): void {
  if (isPatient(caller) && (phase !== 'queued' || method === 'CASH' || method === 'CHCK')) {
    throw forbidden(
      'A patient pays online: the payment begins as queued, and whoever receives the money completes it.',
    );
  }
  if (isFrontDesk(caller) && kind !== 'copay' && kind !== 'advance') {
    throw forbidden('The front desk takes copays and deposits, which have the types copay and advance.');
  }
}

export interface RefundLimits {
  readonly limitMinor: bigint;
  /** What was given back of the same payment before: parts of it count as the whole. */
  readonly refundedMinor: bigint;
  /** Of the payment that is refunded; undefined for a credit note. */
  readonly paidOn: string | undefined;
}

/** Throws 403 for a refund that is more than the caller's role gives back. */
export function requireRefunding(caller: Caller, refund: Payment, limits: RefundLimits): void {
  const { limitMinor, refundedMinor, paidOn } = limits;
  if (isUnlimited(caller) || has(caller, 'op:refund')) return;
  if (!has(caller, 'op:refund-within-limit')) throw forbidden('This role gives no money back.');
  if (refundedMinor + refund.amountMinor > limitMinor) {
    throw forbidden(
      'What is given back of the payment is above the limit of this role (setting payments.refund-limit): ask a billing manager.',
    );
  }
  if (paidOn !== refund.day) throw forbidden('This role refunds payments on the day they were made only.');
}

export interface VoidLimits {
  readonly limitMinor: bigint;
  /** In the clinic's zone. */
  readonly today: string;
}

/** Throws 403 for a void that the caller's role does not make: cashiers take back what they took in today, up to their limit. */
export function requireVoiding(
  caller: Caller,
  { amountMinor, day }: Pick<Payment, 'amountMinor' | 'day'>,
  { limitMinor, today }: VoidLimits,
): void {
  if (isUnlimited(caller)) return;
  if (!has(caller, 'op:refund-within-limit')) throw needsVoid();
  if (amountMinor > limitMinor) {
    throw forbidden('This is above the limit of the role (setting payments.refund-limit): ask a billing manager.');
  }
  if (day !== today) throw forbidden('This role voids payments of today only: ask a billing manager.');
}

/** Throws 403 unless the caller may approve what another person asked for. */
export function requireApproving(caller: Caller): void {
  if (!isUnlimited(caller)) throw needsVoid();
}

/** What a role needs that approves for others. */
export const approvingRight = 'op:void';

/** True of who needs nobody's approval but another person's. */
export function mayApprove(caller: Caller): boolean {
  return isUnlimited(caller);
}

/** A cashier has the drawer of the shift; who refunds without limit, and a system, moves money in any. */
export function isBoundToDrawer(caller: Caller): boolean {
  return !isUnlimited(caller) && !has(caller, 'op:refund');
}

export function requireSettling(caller: Caller): void {
  if (isUnlimited(caller) || has(caller, '$settle-day')) return;
  throw forbidden('This needs a role with the right $settle-day, such as cashier.');
}

/** All that a caller is known by, parted by blanks: the account or client, and who it stands for. */
export function personOf({ accountId, clientId, fhirUser }: Caller): string {
  const account = accountId === undefined ? `client:${clientId}` : `account:${accountId}`;
  return fhirUser === undefined ? account : `${account} ${fhirUser}`;
}

/** Also by way of another app, or a client that stands for the same person: nobody approves what they asked for. */
export function isSamePerson(one: string, other: string): boolean {
  const known = new Set(one.split(' '));
  return other.split(' ').some((name) => known.has(name));
}

/** A setting in smallest units; what the currency cannot say of it is left out. */
export function limitMinor(limit: number, currency: Currency): bigint {
  const minor = readAmount(limit, currency);
  if (minor !== undefined) return minor;
  const { digits = 0n, scale = 0 } = readDecimal(limit) ?? {};
  return readAmount(String(digits / 10n ** BigInt(scale)), currency) ?? 0n;
}

/** A system with scopes of its own has no role, and so no limit of one. */
function isUnlimited(caller: Caller): boolean {
  if (caller.kind === 'server' || has(caller, approvingRight)) return true;
  return caller.kind === 'client' && caller.roles.size === 0;
}

/** Also a client that holds the role of patients and no other. */
function isPatient({ kind, roles }: Caller): boolean {
  return kind === 'patient' || (roles.size > 0 && [...roles].every((role) => role === 'patient'));
}

function isFrontDesk({ roles }: Caller): boolean {
  return roles.has('front-desk') && !takesAnyMoney.some((role) => roles.has(role));
}

const takesAnyMoney = ['cashier', 'billing-staff', 'billing-manager'] as const;

function has({ operations }: Caller, operation: string): boolean {
  return operations?.has(operation) ?? false;
}

function needsVoid(): Error {
  return forbidden(`This needs a role with the right ${approvingRight}, such as billing manager.`);
}

function forbidden(diagnostics: string): Error {
  return fhirError('forbidden', diagnostics, { expression: 'PaymentReconciliation' });
}
