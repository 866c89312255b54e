// The tenant that is no clinic: the realm of the system's administrators, with an issuer, clients and AuditEvents of its own.

import { fhirError } from '../fhir/outcome.ts';

export const systemTenantName = 'system';

/** Throws 409 for the one name that no clinic can have. */
export function requireFreeName(name: string): void {
  if (name !== systemTenantName) return;
  throw fhirError('duplicate', `The name ${systemTenantName} is that of the system's own tenant.`);
}
