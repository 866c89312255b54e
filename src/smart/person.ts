// Who signs in, as oidc-provider and apps see the person: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-identity-data

import type { Caller } from '../access/caller.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { type Account, findAccount } from '../people/accounts.ts';
import { type Rights, rightsOfRoles } from '../people/role-rights.ts';
import type { OidcAccount } from './oidc-provider.ts';
import type { IssuerUrls } from './urls.ts';

export interface PersonContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
}

export interface Person extends OidcAccount {
  readonly account: Account;
  readonly rights: Rights;
}

/** Undefined when nobody may sign in as this. */
export async function findPerson(
  { tenantId, tenantDoor, keyRing, urls }: PersonContext & { readonly urls: IssuerUrls },
  accountId: string,
): Promise<Person | undefined> {
  const cipher = await keyRing.cipherOf(tenantId);
  return await tenantDoor(tenantId, async (trx) => {
    const account = await findAccount(trx, cipher, accountId);
    if (!account?.active || account.mustReset) return undefined;
    return {
      accountId,
      account,
      rights: await rightsOfRoles(trx, account.roles),
      claims: () => ({ sub: accountId, ...identityClaims(account, urls.fhirBase) }),
    };
  });
}

/** An absolute URL: apps may know the person's resource from several servers. */
export function identityClaims({ name, practitioner }: Account, fhirBase: string): Record<string, string> {
  return { name, ...(practitioner === undefined ? {} : { fhirUser: `${fhirBase}/${practitioner}` }) };
}

/** The id of the person's own Patient; undefined for staff. */
export function ownPatient({ practitioner }: Account): string | undefined {
  return /^Patient\/(.+)$/.exec(practitioner ?? '')?.[1];
}

/** The person itself, with all that its roles allow, before any app comes in. */
export function callerOfPerson(tenantId: number, { account, rights }: Person, clientId: string): Caller {
  return {
    ...identityOf(tenantId, account, clientId),
    grants: rights.grants,
    operations: rights.operations,
  };
}

export function identityOf(tenantId: number, account: Account, clientId: string) {
  const { id, name, practitioner, roles } = account;
  return {
    ...{ tenantId, clientId, accountId: id },
    // A patient's relative comes for that patient, and is as little staff; so is a patient whose record nobody has named yet.
    kind: isPatient(account) ? ('patient' as const) : ('staff' as const),
    agent: { ...(practitioner === undefined ? {} : { reference: practitioner }), display: name },
    roles: new Set(roles),
    ...(practitioner === undefined ? {} : { fhirUser: practitioner }),
  };
}

function isPatient({ practitioner = '', roles }: Account): boolean {
  return roles.includes('patient') || /^(?:Patient|RelatedPerson)\//.test(practitioner);
}
