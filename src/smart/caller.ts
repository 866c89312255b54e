// From a bearer token to the Caller: signature, claims and row are checked, at most a second ago (architecture.md, Access tokens; RFC 9068 section 4).

import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Caller, Grant } from '../access/caller.ts';
import { intersectGrants } from '../access/rights.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { findAccount } from '../people/accounts.ts';
import { openClientName } from '../people/clients.ts';
import { clinicOperations } from '../people/reserved-rights.ts';
import { rightsOfRoles } from '../people/role-rights.ts';
import { createBriefCache } from '../tenants/brief-cache.ts';
import { signingAlgorithm } from '../tenants/signing-key.ts';
import { findLiveToken, type LiveToken } from './access-tokens.ts';
import { touchLoginSession } from './login-sessions.ts';
import { identityOf } from './person.ts';
import { grantedScopes, grantsOf, parseScopes } from './scopes.ts';
import type { IssuerUrls } from './urls.ts';

export interface CallerContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly urls: IssuerUrls;
  readonly publicKeys: JWTVerifyGetKey;
  readonly resourceTypes: ReadonlySet<string>;
}

export interface Authenticator {
  /** Throws 401 `login`. At once when the same header was good within the last second. */
  authenticate(authorizationHeader: string | undefined): Caller | Promise<Caller>;
  forget(): void;
}

interface OpenContext extends CallerContext {
  readonly cipher: TenantCipher;
}

interface CallerUntil {
  readonly caller: Caller;
  readonly expiresAtMs: number;
}

const callersCachedMax = 5_000;
const bearerSyntax = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

export function createAuthenticator(context: CallerContext): Authenticator {
  const callers = createBriefCache((header: string) => readCaller(context, header), callersCachedMax);
  return {
    authenticate(header) {
      if (header === undefined) throw unauthorized('This needs an access token: send "Authorization: Bearer ...".');
      // The whole header is the key: cutting the token out of it would cost more than the look-up.
      const found = callers.get(header);
      return found instanceof Promise ? found.then(callerNow) : callerNow(found);
    },
    forget: callers.clear,
  };
}

function callerNow({ caller, expiresAtMs }: CallerUntil): Caller {
  if (Date.now() >= expiresAtMs) throw unauthorized('The access token has expired.');
  return caller;
}

async function readCaller(context: CallerContext, header: string): Promise<CallerUntil> {
  const token = bearerSyntax.exec(header)?.[1];
  if (token === undefined) throw unauthorized('The Authorization header must be "Bearer" and an access token.');
  const claims = await verifyAccessToken(context, token);
  if (!claims) throw unauthorized('The access token is not valid here, or has expired.');
  const cipher = await context.keyRing.cipherOf(context.tenantId);
  const { tenantId, tenantDoor } = context;
  const find = async (trx: TenantTransaction) => {
    const live = await findLiveToken(trx, claims.id);
    return live && { live, caller: await toCaller({ ...context, cipher }, trx, live) };
  };
  // In one message with what other requests look up at this moment.
  const { live, caller } = (await tenantDoor(tenantId, find, 'lookup')) ?? {};
  if (live?.session_hash && live.session_is_idle) await noteUse(context, live.session_hash);
  if (!caller) throw unauthorized('The access token has been revoked or has expired.');
  return { caller, expiresAtMs: claims.expiresAtSeconds * 1_000 };
}

async function noteUse({ tenantId, tenantDoor }: CallerContext, sessionHash: Buffer): Promise<void> {
  await tenantDoor(tenantId, async (trx) => touchLoginSession(trx, sessionHash));
}

export interface AccessTokenClaims {
  readonly id: string;
  readonly expiresAtSeconds: number;
}

/** Undefined when it is no access token of this issuer for this FHIR base. */
export async function verifyAccessToken(
  { urls, publicKeys }: Pick<CallerContext, 'urls' | 'publicKeys'>,
  token: string,
): Promise<AccessTokenClaims | undefined> {
  try {
    const { payload } = await jwtVerify(token, publicKeys, {
      issuer: urls.issuer,
      audience: urls.fhirBase,
      typ: 'at+jwt',
      algorithms: [signingAlgorithm],
      requiredClaims: ['jti', 'exp', 'client_id'],
    });
    return { id: String(payload.jti), expiresAtSeconds: Number(payload.exp) };
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** What the token was granted, as far as its client may still have it and the person's or the client's roles allow it now. */
async function toCaller(context: OpenContext, trx: TenantTransaction, live: LiveToken): Promise<Caller | undefined> {
  const { resourceTypes } = context;
  const registered = parseScopes(live.client_scope, resourceTypes);
  const scopes = parseScopes(live.scope, resourceTypes);
  if (live.account_id !== null) {
    return await personalCaller(context, trx, live, grantsOf(grantedScopes(scopes, registered)), live.account_id);
  }
  const own = grantsOf(grantedScopes(scopes, registered)).filter((grant) => grant.context === 'system');
  const rights = await rightsOfRoles(trx, live.client_roles);
  const isUnlimited = live.client_roles.includes('clinic-admin') && own.some(allowsAll);
  return {
    tenantId: context.tenantId,
    clientId: live.client_id,
    kind: 'client',
    agent: {
      reference: `Device/${live.client_id}`,
      display: openClientName(context.cipher, live.client_id, live.client_name),
    },
    grants: [
      ...own,
      ...intersectGrants(
        grantsOf(scopes).filter((grant) => grant.context === 'user'),
        rights.grants,
      ),
    ],
    operations: isUnlimited ? clinicOperations : rights.operations,
    roles: new Set(live.client_roles),
    ...(live.client_fhir_user === null ? {} : { fhirUser: live.client_fhir_user }),
  };
}

/** `system/*.cruds`: with the role clinic-admin no role limits a client (contract.md 2). */
function allowsAll({ type, permissions, constraints }: Grant): boolean {
  return type === '*' && permissions.size === 5 && constraints === undefined;
}

async function personalCaller(
  { tenantId, cipher }: OpenContext,
  trx: TenantTransaction,
  live: LiveToken,
  grants: readonly Grant[],
  accountId: string,
): Promise<Caller | undefined> {
  const account = await findAccount(trx, cipher, accountId);
  if (!account) return undefined;
  const rights = await rightsOfRoles(trx, account.roles);
  return {
    ...identityOf(tenantId, account, live.client_id),
    grants: intersectGrants(
      grants.filter((grant) => grant.context !== 'system'),
      rights.grants,
    ),
    operations: rights.operations,
    ...(live.patient === null ? {} : { patient: live.patient }),
  };
}

function unauthorized(diagnostics: string): FhirError {
  return fhirError('login', diagnostics, { status: 401 });
}
