// What the FHIR API of the tenant `system` is for: who administers the installation, and the record of what they did. Nothing of a patient belongs there.

import type { Caller, Grant } from '../access/caller.ts';
import type { TenantRecord } from './registry.ts';
import { systemTenantName } from './reserved.ts';

type Authenticate = (tenant: TenantRecord, authorization: string | undefined) => Caller | Promise<Caller>;

const typesOfRealm = ['AuditEvent', 'Organization', 'Practitioner', 'PractitionerRole', 'Person'] as const;

/** The same, but that no token of the system's tenant has a right to any other type, whatever its scopes are. */
export function withinRealm(authenticate: Authenticate): Authenticate {
  return (tenant, authorization) => {
    const caller = authenticate(tenant, authorization);
    if (tenant.name !== systemTenantName) return caller;
    return caller instanceof Promise ? caller.then(narrowed) : narrowed(caller);
  };
}

function narrowed(caller: Caller): Caller {
  return { ...caller, grants: caller.grants.flatMap(grantsOfRealm) };
}

function grantsOfRealm(grant: Grant): Grant[] {
  return typesOfRealm.filter((type) => grant.type === '*' || grant.type === type).map((type) => ({ ...grant, type }));
}
