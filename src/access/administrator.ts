// Who may look behind the answers of the server, such as at the plan of a search.

import { fhirError } from '../fhir/outcome.ts';
import type { Caller, Permission } from './caller.ts';

const everyPermission: readonly Permission[] = ['c', 'r', 'u', 'd', 's'];

/** Until callers come with roles: whoever has every right on every type, but for a patient's own. */
function isAdministrator({ grants }: Caller): boolean {
  const all = grants.filter(({ context, type }) => context !== 'patient' && type === '*');
  return everyPermission.every((letter) => all.some(({ permissions }) => permissions.has(letter)));
}

/** Throws 403 unless the caller administers the tenant. */
export function requireAdministrator(caller: Caller): void {
  if (isAdministrator(caller)) return;
  throw fhirError('forbidden', 'This is for administrators: the access token must allow everything (system/*.cruds).');
}
