// What no administrator of a clinic gives or manages: the rights of system administrators (security.md 34 and 39; README, Decisions).

import type { Caller } from '../access/caller.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { grantsOfCustomRoles } from './custom-roles.ts';
import { compileGrants, grantableOperations } from './role-grants.ts';
import { isSystemRole, roles } from './roles.ts';

const reserved: readonly string[] = ['op:provision-tenant', 'op:break-glass'];

/** All that anybody can be allowed in a clinic. */
export const clinicOperations: ReadonlySet<string> = new Set(
  [...grantableOperations].filter((operation) => !reserved.includes(operation)),
);

/** Rights that reach beyond every scope, so that no consent to scopes gives them to an app. */
const beyondScopes: ReadonlySet<string> = new Set([...reserved, 'op:admin', 'op:security-label']);

/**
 * What a person's app may do of what the person may: rights that no scope says only where the clinic has registered the app
 * with a role that has them, too. Else any app that an administrator signs in to could administer the clinic.
 */
export function operationsThrough(app: ReadonlySet<string>, person: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...person].filter((operation) => !beyondScopes.has(operation) || app.has(operation)));
}

/** True of an app that is registered with a role that has such a right. */
export function reachesBeyondScopes(app: ReadonlySet<string>): boolean {
  return [...app].some((operation) => beyondScopes.has(operation));
}

/**
 * Throws 403 where one of the roles has a reserved right that the caller has not, also when it is switched off: it may come
 * back. Asked before a role is given, and before anything is done with who holds it: whoever could change an administrator's
 * address could become that administrator.
 */
export async function requireManageable(
  trx: TenantTransaction,
  caller: Caller,
  slugs: readonly string[],
): Promise<void> {
  const system = slugs.flatMap((slug) => (isSystemRole(slug) ? [...roles[slug].operations] : []));
  const custom = await grantsOfCustomRoles(trx, slugs);
  requireHeld(caller, new Set([...system, ...compileGrants(custom).operations]));
}

/** The same of the grants of a role that is being made. */
export function requireGivable(caller: Caller, grants: readonly string[]): void {
  requireHeld(caller, compileGrants(grants).operations);
}

function requireHeld({ operations }: Caller, asked: ReadonlySet<string>): void {
  const missing = reserved.find((operation) => asked.has(operation) && !operations?.has(operation));
  if (missing === undefined) return;
  throw fhirError('forbidden', `Only who has the right ${missing} may give it, or manage who has it.`);
}
