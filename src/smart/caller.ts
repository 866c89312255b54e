// From a bearer token to the Caller: signature, claims and row are checked, at most a second ago (architecture.md, Access tokens; RFC 9068 section 4).

import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Caller } from '../access/caller.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { openClientName } from '../people/clients.ts';
import { createBriefCache } from '../tenants/brief-cache.ts';
import { signingAlgorithm } from '../tenants/signing-key.ts';
import { findLiveToken, type LiveToken } from './access-tokens.ts';
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
  const live = await context.tenantDoor(context.tenantId, (trx) => findLiveToken(trx, claims.id));
  if (!live) throw unauthorized('The access token has been revoked or has expired.');
  return { caller: await toCaller(context, live), expiresAtMs: claims.expiresAtSeconds * 1_000 };
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

/** What the token was granted and its client may still have. */
async function toCaller({ tenantId, keyRing, resourceTypes }: CallerContext, live: LiveToken): Promise<Caller> {
  const cipher = await keyRing.cipherOf(tenantId);
  const scopes = grantedScopes(parseScopes(live.scope, resourceTypes), parseScopes(live.client_scope, resourceTypes));
  return {
    tenantId,
    clientId: live.client_id,
    kind: 'client',
    agent: {
      reference: `Device/${live.client_id}`,
      display: openClientName(cipher, live.client_id, live.client_name),
    },
    grants: grantsOf(scopes),
    roles: new Set(live.client_roles),
  };
}

function unauthorized(diagnostics: string): FhirError {
  return fhirError('login', diagnostics, { status: 401 });
}
