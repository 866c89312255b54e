// The roles that make bills: they correct what was issued, and name prices that are on no list (domain.md section 5).

import { may } from '../../access/may.ts';
import type { Session } from '../../repository/session.ts';

type Caller = Session['caller'];

const billingRoles = ['billing-staff', 'billing-manager', 'clinic-admin'] as const;

/** Clients without a role act for themselves: their scopes alone say what they may. */
export function isBilling({ kind, roles }: Caller): boolean {
  return kind === 'server' || (kind === 'client' && roles.size === 0) || billingRoles.some((role) => roles.has(role));
}

/** Who may write the price list may also price what it leaves out; `limitPercent` is undefined for who may give everything away. */
export function mayPriceFreely(caller: Caller, limitPercent: number | undefined): boolean {
  if (isBilling(caller) || limitPercent === undefined) return true;
  return may(caller, 'c', 'ChargeItemDefinition') || may(caller, 'u', 'ChargeItemDefinition');
}
