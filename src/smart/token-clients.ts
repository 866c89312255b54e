// The clients that tokens were issued to, as far as the rights of a token need them; like all that is known of tokens at most a second old.

import type { Caller } from '../access/caller.ts';
import { intersectGrants } from '../access/rights.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { openClientName } from '../people/clients.ts';
import { clinicOperations } from '../people/reserved-rights.ts';
import { type Rights, rightsOfRoles } from '../people/role-rights.ts';
import { type BriefCache, createBriefCache } from '../tenants/brief-cache.ts';
import { grantedScopes, grantsOf, parseScopes, type Scope } from './scopes.ts';

export interface TokenClientContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly resourceTypes: ReadonlySet<string>;
}

export interface TokenClient {
  readonly clientId: string;
  readonly display: string;
  /** What it may be granted now. */
  readonly registered: readonly Scope[];
  readonly roles: ReadonlySet<string>;
  readonly rights: Rights;
  readonly fhirUser: string | undefined;
}

const clientsCachedMax = 1_000;

/** Undefined for a client that is disabled, or that there never was. */
export function createTokenClients(context: TokenClientContext): BriefCache<string, TokenClient | undefined> {
  const { tenantId, tenantDoor } = context;
  return createBriefCache(
    (clientId) => tenantDoor(tenantId, (trx) => readTokenClient(context, trx, clientId), 'lookup'),
    clientsCachedMax,
  );
}

interface ClientRow {
  readonly name: Buffer;
  readonly scope: string;
  readonly roles: readonly string[];
  readonly fhir_user: string | null;
}

export async function readTokenClient(
  { tenantId, keyRing, resourceTypes }: TokenClientContext,
  trx: TenantTransaction,
  clientId: string,
): Promise<TokenClient | undefined> {
  const [row] = await trx.query<ClientRow>({
    name: 'find-token-client',
    text: 'SELECT name, scope, roles, fhir_user FROM client WHERE client_id = $1 AND active',
    values: [clientId],
  });
  if (!row) return undefined;
  return {
    clientId,
    display: openClientName(await keyRing.cipherOf(tenantId), clientId, row.name),
    registered: parseScopes(row.scope, resourceTypes),
    roles: new Set(row.roles),
    rights: await rightsOfRoles(trx, row.roles),
    fhirUser: row.fhir_user ?? undefined,
  };
}

/** Of a client that acts for itself: what the token was granted, as far as client and roles may still have it. */
export function callerOfClient(
  { tenantId, resourceTypes }: TokenClientContext,
  { clientId, display, registered, roles, rights, fhirUser }: TokenClient,
  scope: string,
): Caller {
  const scopes = parseScopes(scope, resourceTypes);
  const own = grantsOf(grantedScopes(scopes, registered)).filter(({ context }) => context === 'system');
  const asUser = grantsOf(scopes).filter(({ context }) => context === 'user');
  const isUnlimited = roles.has('clinic-admin') && own.some(allowsAll);
  // The role of patients stands alone with people (security.md 26); beside others it is their rights that count.
  const kind = roles.size === 1 && roles.has('patient') ? 'patient' : 'client';
  return {
    ...{ tenantId, clientId, kind, agent: { reference: `Device/${clientId}`, display } },
    grants: [...own, ...intersectGrants(asUser, rights.grants)],
    operations: isUnlimited ? clinicOperations : rights.operations,
    roles,
    ...(fhirUser === undefined ? {} : { fhirUser }),
  };
}

/** `system/*.cruds`: with the role clinic-admin no role limits a client (contract.md 2). */
function allowsAll({ type, permissions, constraints }: Caller['grants'][number]): boolean {
  return type === '*' && permissions.size === 5 && constraints === undefined;
}
