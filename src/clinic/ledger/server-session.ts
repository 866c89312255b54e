// The same transaction without the caller's limits: whoever may pay need not see the accounts that the money is posted to.

import type { Session } from '../../repository/session.ts';

const allRows: Session['caller']['grants'][number] = {
  context: 'system',
  type: '*',
  permissions: new Set(['c', 'r', 'u', 'd', 's']),
};

/** For what the ledger itself finds and writes; AuditEvents still name the caller. */
export function serverSession(session: Session): Session {
  return { ...session, caller: { ...session.caller, grants: [allRows] }, denials: undefined };
}
