// The roles that make bills: they correct what was issued (domain.md section 5).

import type { Session } from '../../repository/session.ts';

type Caller = Session['caller'];

const billingRoles = ['billing-staff', 'billing-manager', 'clinic-admin'] as const;

/** Clients without a role act for themselves: their scopes alone say what they may. */
export function isBilling({ kind, roles }: Caller): boolean {
  return kind === 'server' || (kind === 'client' && roles.size === 0) || billingRoles.some((role) => roles.has(role));
}
