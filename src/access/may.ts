// The one decision whether a caller may do an interaction on a type; it is asked before any statement runs.

import { fhirError } from '../fhir/outcome.ts';
import type { Caller, Permission } from './caller.ts';
import { reaches } from './row-rule.ts';

const words: Readonly<Record<Permission, string>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };

/** Which rows it is about is for `rowRule` to say; a grant that can reach none does not count. */
export function may(caller: Caller, permission: Permission, type: string): boolean {
  return caller.grants.some((grant) => reaches(caller, grant, permission, type));
}

/** Throws 403 when the caller's scopes do not allow the interaction. */
export function requirePermission(caller: Caller, permission: Permission, type: string): void {
  if (may(caller, permission, type)) return;
  throw fhirError(
    'forbidden',
    `The access token does not allow to ${words[permission]} ${type} (SMART scope ${type}.${permission}).`,
  );
}

/** Throws 403 unless one of the caller's roles has the right, which is no interaction: `$book`, `op:admin`. */
export function requireOperation(caller: Caller, operation: string): void {
  if (caller.operations?.has(operation)) return;
  throw fhirError('forbidden', `This needs a role with the right ${operation}.`);
}

/** What no client may do whatever its scopes are: security.md 42, contract.md 39, 46. */
const closed: Readonly<Record<string, { readonly permissions: readonly Permission[]; readonly reason: string }>> = {
  AuditEvent: { permissions: ['c', 'u', 'd'], reason: 'AuditEvent is written by the server only.' },
  PaymentNotice: {
    permissions: ['c', 'u', 'd'],
    reason: 'PaymentNotice is written by the server only; post a PaymentReconciliation instead.',
  },
  Provenance: { permissions: ['u', 'd'], reason: 'A Provenance is written once and never changed.' },
};

export function isClosed(type: string, permission: Permission): boolean {
  return closed[type]?.permissions.includes(permission) ?? false;
}

/** Throws 405 when nobody but the server may do this to the type. */
export function requireOpen(caller: Caller, permission: Permission, type: string): void {
  if (caller.kind === 'server' || !isClosed(type, permission)) return;
  throw fhirError('not-supported', closed[type]?.reason ?? '');
}
