// Who administers a tenant: whoever holds a role with the right `op:admin`, as the client that a tenant begins with: contract.md 2.

import type { Caller } from './caller.ts';
import { requireOperation } from './may.ts';

/** Throws 403 for everybody else, whatever scopes they have. */
export function requireAdministrator(caller: Caller): void {
  requireOperation(caller, 'op:admin');
}
