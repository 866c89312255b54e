// Makes a tenant that a clinic can begin to work in, with all it begins with, in one call (domain.md S1-P1-4, S5-F0; `$provision-tenant`).

import { type Caller, serverCaller } from '../access/caller.ts';
import { isCurrency } from '../fhir/money.ts';
import { fhirError } from '../fhir/outcome.ts';
import { askForLink } from '../people/account-secrets.ts';
import { createAccount } from '../people/accounts.ts';
import type { ClientCredentials } from '../people/clients.ts';
import { inSession, type Repository, type Session } from '../repository/session.ts';
import { beginTenant, type CreateTenantContext, finishTenant } from './begin-tenant.ts';
import { createFirstClient } from './create-tenant.ts';
import { furnish } from './furnishing/furnish.ts';
import type { OrganizationFacts } from './furnishing/organization.ts';
import { requireFreeName } from './reserved.ts';
import { createSigningKey } from './signing-key.ts';
import { recordTenantAct } from './tenant-audit.ts';

export interface OnboardRequest {
  readonly name: string;
  readonly display?: string;
  /** Its name is the tenant's display where it is absent. */
  readonly organization?: OrganizationFacts;
  readonly currency?: string;
  readonly timezone?: string;
  /** Is invited by mail and gets the role clinic-admin. */
  readonly administrator?: { readonly email: string; readonly name: string };
  /** Whether it has a client from the start, which nothing limits. */
  readonly hasFirstClient?: boolean;
}

export interface OnboardedTenant {
  readonly tenantId: number;
  readonly tenant: string;
  readonly display: string;
  /** `Organization/x`. */
  readonly organization: string;
  readonly currency: string;
  readonly timezone: string;
  /** The account of the first administrator. */
  readonly administratorId?: string;
  readonly client?: ClientCredentials;
}

export interface OnboardContext extends Omit<CreateTenantContext, 'tenantDoor' | 'keyRing'> {
  readonly repository: Repository;
}

/**
 * Throws 409 when the name is taken. Everything but registry row and keys is one transaction, at whose end the tenant is
 * there: one that a crash left half made is seen by nobody, and finished by the same call.
 */
export async function onboardTenant(
  { repository, systemDoor }: OnboardContext,
  request: OnboardRequest,
  by?: Caller,
): Promise<OnboardedTenant> {
  const { name, display = name, currency = 'USD', timezone = 'UTC', organization = { name: display } } = request;
  requireFreeName(name);
  if (!isCurrency(currency)) throw fhirError('value', 'currency must be a currency code of ISO 4217.');
  const tenantId = await beginTenant({ ...repository, systemDoor }, name, display);
  const server = serverCaller(tenantId, 'onboarding');
  return await inSession(repository, server, async (session) => {
    await finishTenant(session.trx, name);
    createSigningKey(session.trx, session.cipher);
    const furnished = await furnish(session, { organization, currency, timezone });
    const administrator = request.administrator && (await inviteAdministrator(session, request.administrator));
    recordTenantAct(session, { act: 'createTenant', action: 'C', tenant: name, caller: by ?? server, outcome: '0' });
    return {
      ...{ tenantId, tenant: name, display, currency, timezone },
      organization: furnished.organization as string,
      ...(administrator && { administratorId: administrator.id }),
      ...(request.hasFirstClient && { client: createFirstClient(session.trx, session.cipher, 'First client') }),
    };
  });
}

async function inviteAdministrator(
  { trx, cipher }: Session,
  { email, name }: NonNullable<OnboardRequest['administrator']>,
): Promise<{ readonly id: string }> {
  const account = await createAccount(trx, cipher, { email, name, roles: ['clinic-admin'] });
  askForLink(trx, account.id, 'invite');
  return account;
}
