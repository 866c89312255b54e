// The roles that make bills: they correct what was issued, and say which drafts come to nothing (domain.md section 5, SM-2).

import { may } from '../../access/may.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';

type Caller = Session['caller'];

const billingRoles = ['billing-staff', 'billing-manager', 'clinic-admin'] as const;

/** Clients without a role act for themselves: their scopes alone say what they may. */
export function isBilling({ kind, roles }: Caller): boolean {
  return kind === 'server' || (kind === 'client' && roles.size === 0) || billingRoles.some((role) => roles.has(role));
}

/** Throws 403: a draft that is cancelled is money that nobody asks for any more. */
export function requireBilling(caller: Caller): void {
  if (isBilling(caller)) return;
  throw refused('Drafts are cancelled by billing staff, billing managers and clinic administrators.');
}

/** Throws 403: whoever may create Invoices and not change them, as a pharmacist, makes drafts, which the till issues. */
export function requireIssuer(caller: Caller): void {
  if (isBilling(caller) || may(caller, 'u', 'Invoice')) return;
  throw refused('Your role makes drafts: they are issued at the till or by billing.');
}

function refused(diagnostics: string): Error {
  return fhirError('forbidden', diagnostics, { expression: 'Invoice.status' });
}
