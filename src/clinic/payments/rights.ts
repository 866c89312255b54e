// Who may take money, give it back, void and settle: limits of roles beside the scopes (domain.md 5, contract.md 2, 48, 49).

import { readDecimal } from '../../fhir/decimal.ts';
import { type Currency, readAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { Payment } from './payment.ts';

type Caller = Session['caller'];

/** Throws 403 for money that the caller's role does not take. */
export function requireTaking(caller: Caller, { kind, phase, method }: Payment): void {
  if (caller.kind === 'patient' && (phase !== 'queued' || method === 'CASH' || method === 'CHCK')) {
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
  /** Of the payment that is refunded; undefined for a credit note. */
  readonly paidOn: string | undefined;
}

/** Throws 403 for a refund that is more than the caller's role gives back. */
export function requireRefunding(caller: Caller, refund: Payment, { limitMinor, paidOn }: RefundLimits): void {
  if (isUnlimited(caller) || has(caller, 'op:refund')) return;
  if (!has(caller, 'op:refund-within-limit')) throw forbidden('This role gives no money back.');
  if (refund.amountMinor > limitMinor) {
    throw forbidden(
      'The refund is above the limit of this role (setting payments.refund-limit): ask a billing manager.',
    );
  }
  if (paidOn !== refund.day) throw forbidden('This role refunds payments on the day they were made only.');
}

/** Throws 403 unless the caller may void payments, and approve what another person asked for. */
export function requireVoiding(caller: Caller): void {
  if (!isUnlimited(caller)) throw forbidden('This needs a role with the right op:void, such as billing manager.');
}

export function requireSettling(caller: Caller): void {
  if (isUnlimited(caller) || has(caller, '$settle-day')) return;
  throw forbidden('This needs a role with the right $settle-day, such as cashier.');
}

/** Whoever this is, also by way of another app: one person never approves what they asked for. */
export function personOf({ accountId, clientId }: Caller): string {
  return accountId === undefined ? `client:${clientId}` : `account:${accountId}`;
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
  if (caller.kind === 'server' || has(caller, 'op:void')) return true;
  return caller.kind === 'client' && caller.roles.size === 0;
}

function isFrontDesk({ roles }: Caller): boolean {
  return roles.has('front-desk') && !takesAnyMoney.some((role) => roles.has(role));
}

const takesAnyMoney = ['cashier', 'billing-staff', 'billing-manager'] as const;

function has({ operations }: Caller, operation: string): boolean {
  return operations?.has(operation) ?? false;
}

function forbidden(diagnostics: string): Error {
  return fhirError('forbidden', diagnostics, { expression: 'PaymentReconciliation' });
}
