// The one decision whether a caller may do an interaction on a type; it is asked before any statement runs.

import { fhirError } from '../fhir/outcome.ts';
import type { Caller, Permission } from './caller.ts';

const words: Readonly<Record<Permission, string>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };

export function may(caller: Caller, permission: Permission, type: string): boolean {
  return caller.grants.some(
    (grant) => (grant.type === '*' || grant.type === type) && grant.permissions.has(permission),
  );
}

/** Throws 403 when the caller's scopes do not allow the interaction. */
export function requirePermission(caller: Caller, permission: Permission, type: string): void {
  if (may(caller, permission, type)) return;
  throw fhirError(
    'forbidden',
    `The access token does not allow to ${words[permission]} ${type} (SMART scope ${type}.${permission}).`,
  );
}

/** Types that only the server writes: audit records, receipts and the ledger (security.md 42, contract.md 39, 46). */
const serverWritten: ReadonlySet<string> = new Set(['AuditEvent', 'PaymentNotice']);

export function isServerWritten(type: string): boolean {
  return serverWritten.has(type);
}

/** Throws 405 when nobody but the server may write this type. */
export function requireClientWritable(caller: Caller, type: string): void {
  if (caller.kind === 'server' || !isServerWritten(type)) return;
  throw fhirError(
    'not-supported',
    `${type} is written by the server only${type === 'PaymentNotice' ? '; post a PaymentReconciliation instead' : ''}.`,
  );
}
