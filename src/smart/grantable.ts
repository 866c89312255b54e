// Which of the scopes asked for can be granted: what is not is dropped, never widened (security.md, decisions 32 and 33).

import { intersectGrants } from '../access/rights.ts';
import type { Rights } from '../people/role-rights.ts';
import { errors } from './oidc-provider.ts';
import { covers, grantsOf, MalformedScope, parseScopes, type Scope, scopesWithoutClaims } from './scopes.ts';

export interface ClientScopes {
  /** Undefined when the request says nothing of scopes. */
  readonly asked: string | undefined;
  readonly registered: string;
  readonly roles: readonly string[];
  readonly resourceTypes: ReadonlySet<string>;
}

/** What a role may give is not known here: `user/` scopes of a client are cut down to its roles when its token is used. */
const allOfRoles = 'user/*.cruds';

/** For a client that acts for itself: its `system/` scopes, and what its roles allow (contract.md 47). */
export function scopeForClient({ asked, registered, roles, resourceTypes }: ClientScopes): string {
  const own = parseScopes(registered, resourceTypes).filter(({ grant }) => grant?.context === 'system');
  const rights = grantsOf(own);
  if (asked === undefined) {
    const isUnlimited = own.some(({ text }) => text === 'system/*.cruds');
    return requireSome([...textsOf(own), ...(roles.length > 0 && !isUnlimited ? [allOfRoles] : [])]);
  }
  const granted = parseAsked(asked, resourceTypes).filter(
    ({ grant }) => grant && (covers(rights, grant) || (grant.context === 'user' && roles.length > 0)),
  );
  return requireSome(textsOf(granted));
}

/** For an app that acts for a person: never a `system/` scope (security.md 34). */
export function scopeForApp({ asked, registered, resourceTypes }: Omit<ClientScopes, 'roles'>): string {
  const own = parseScopes(registered, resourceTypes);
  const rights = grantsOf(own).filter(({ context }) => context !== 'system');
  const others = new Set(own.filter(({ grant }) => !grant).map(({ text }) => text)).difference(scopesWithoutClaims);
  const granted = parseAsked(asked ?? '', resourceTypes).filter(({ text, grant }) =>
    grant ? covers(rights, grant) : others.has(text),
  );
  return requireSome(textsOf(granted));
}

/** Of these scopes those by which the person may do anything at all. */
export function scopesWithin(scopes: readonly Scope[], { grants }: Rights): Scope[] {
  return scopes.filter(({ grant }) => !grant || intersectGrants([grant], grants).length > 0);
}

export function textsOf(scopes: readonly Scope[]): string[] {
  return scopes.map(({ text }) => text);
}

function requireSome(granted: readonly string[]): string {
  if (granted.length === 0) throw new errors.InvalidScope('none of the requested scopes can be granted to this client');
  return granted.join(' ');
}

function parseAsked(asked: string, resourceTypes: ReadonlySet<string>): Scope[] {
  try {
    return parseScopes(asked, resourceTypes);
  } catch (error) {
    if (error instanceof MalformedScope) throw new errors.InvalidScope(error.message);
    throw error;
  }
}
