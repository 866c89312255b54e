// From a bearer token to the Caller: signature, claims and row are checked, at most a second ago (architecture.md, Access tokens; RFC 9068 section 4).

import { hash } from 'node:crypto';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Caller } from '../access/caller.ts';
import { intersectGrants } from '../access/rights.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { type FhirError, fhirError } from '../fhir/outcome.ts';
import { type Account, findAccount } from '../people/accounts.ts';
import { operationsThrough } from '../people/reserved-rights.ts';
import { rightsOfRoles } from '../people/role-rights.ts';
import { type BriefCache, createBriefCache } from '../tenants/brief-cache.ts';
import { signingAlgorithm } from '../tenants/signing-key.ts';
import { findTokenRow, type TokenRow } from './access-tokens.ts';
import { touchLoginSession } from './login-sessions.ts';
import { identityOf } from './person.ts';
import { grantedScopes, grantsOf, parseScopes } from './scopes.ts';
import { callerOfClient, createTokenClients, type TokenClient, type TokenClientContext } from './token-clients.ts';
import type { IssuerUrls } from './urls.ts';

export interface CallerContext extends TokenClientContext {
  readonly urls: IssuerUrls;
  readonly publicKeys: JWTVerifyGetKey;
}

export interface Authenticator {
  /**
   * Throws 401 `login`, at once where no row has to be asked. At once too when the same header was good within the last second.
   */
  authenticate(authorizationHeader: string | undefined): Caller | Promise<Caller>;
  /** To be told of an access token that is being answered: it is verified behind that answer rather than at its first use. */
  issued(token: string): Promise<void>;
  forget(): void;
}

interface OpenContext extends CallerContext {
  readonly clients: BriefCache<string, TokenClient | undefined>;
  readonly signatures: Signatures;
  readonly suspicion: Suspicion;
}

/** For as long as tokens come that were forged or revoked, or too many at once, nothing is asked for one before it is verified. */
interface Suspicion {
  endsAtMs: number;
  /** Tokens whose rows are being asked for and whose signature is not verified yet. */
  unverified: number;
}

interface CallerUntil {
  readonly caller: Caller;
  readonly expiresAtMs: number;
}

const callersCachedMax = 5_000;
const suspicionMs = 1_000;
const unverifiedMax = 16;
const signaturesKeptMax = 10_000;
const bearerSyntax = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

export function createAuthenticator(context: CallerContext): Authenticator {
  const clients = createTokenClients(context);
  const signatures = createSignatures(context);
  const open: OpenContext = { ...context, clients, signatures, suspicion: { endsAtMs: 0, unverified: 0 } };
  const callers = createBriefCache((header: string) => readCaller(open, header), callersCachedMax);
  return {
    authenticate(header) {
      if (header === undefined) throw unauthorized('This needs an access token: send "Authorization: Bearer ...".');
      // The whole header is the key: cutting the token out of it would cost more than the look-up.
      const found = callers.get(header);
      return found instanceof Promise ? found.then(callerNow) : callerNow(found);
    },
    async issued(token) {
      await turnEnds();
      await signatures.verify(token).catch(ignore);
    },
    forget() {
      clients.clear();
      callers.clear();
    },
  };
}

function callerNow({ caller, expiresAtMs }: CallerUntil): Caller {
  if (Date.now() >= expiresAtMs) throw unauthorized('The access token has expired.');
  return caller;
}

/** Throws what can be told without the database. */
function readCaller(context: OpenContext, header: string): Promise<CallerUntil> {
  const token = bearerSyntax.exec(header)?.[1];
  if (token === undefined) throw unauthorized('The Authorization header must be "Bearer" and an access token.');
  const claimed = claimedBy(token);
  if (!claimed || claimed.expiresAtSeconds * 1_000 <= Date.now()) throw notValidHere();
  return verifiedCaller(context, token, claimed);
}

/** What is stored is asked for while the signature is being verified; nothing of it counts before that has succeeded. */
async function verifiedCaller(context: OpenContext, token: string, claimed: AccessTokenClaims): Promise<CallerUntil> {
  const { signatures, suspicion } = context;
  const isKnown = signatures.has(token);
  const isTrusted = suspicion.unverified < unverifiedMax && performance.now() >= suspicion.endsAtMs;
  const asked = isKnown || isTrusted ? findStored(context, claimed) : undefined;
  asked?.catch(ignore);
  const isGenuine = isKnown || (await verifyBeside(context, token));
  const stored = isGenuine ? await (asked ?? findStored(context, claimed)) : undefined;
  if (stored?.row.session_hash && stored.row.session_is_idle) await noteUse(context, stored.row.session_hash);
  if (stored) return { caller: stored.caller, expiresAtMs: claimed.expiresAtSeconds * 1_000 };
  suspicion.endsAtMs = performance.now() + suspicionMs;
  throw isGenuine ? unauthorized('The access token has been revoked or has expired.') : notValidHere();
}

/** The processor is idle only when the statements of this turn have left. */
async function verifyBeside({ signatures, suspicion }: OpenContext, token: string): Promise<boolean> {
  suspicion.unverified += 1;
  try {
    await turnEnds();
    return await signatures.verify(token);
  } finally {
    suspicion.unverified -= 1;
  }
}

function ignore(): void {}

/** Whose signature was found good keeps it; that a token has expired or was revoked is told by other means. */
interface Signatures {
  has(token: string): boolean;
  verify(token: string): Promise<boolean>;
}

function createSignatures(context: CallerContext): Signatures {
  let good = new Set<string>();
  return {
    has: (token) => good.has(digestOf(token)),
    async verify(token) {
      if (!(await verifyAccessToken(context, token))) return false;
      if (good.size >= signaturesKeptMax) good = new Set();
      good.add(digestOf(token));
      return true;
    },
  };
}

/** Of the whole token, so that it stands for its claims too. */
function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}

export interface AccessTokenClaims {
  readonly id: string;
  readonly expiresAtSeconds: number;
  readonly clientId: string;
  /** The account of a person, or the client once more. */
  readonly subject: string;
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
      requiredClaims: ['jti', 'exp', 'client_id', 'sub'],
    });
    return claimsOf(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** What a token says, true or not; undefined where it is no JWT. */
function claimedBy(token: string): AccessTokenClaims | undefined {
  try {
    return claimsOf(decodeJwt(token));
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function claimsOf({ jti, exp, client_id, sub }: Readonly<Record<string, unknown>>): AccessTokenClaims {
  return { id: String(jti), expiresAtSeconds: Number(exp), clientId: String(client_id), subject: String(sub) };
}

interface Stored {
  readonly row: TokenRow;
  readonly caller: Caller;
}

/** All that is stored of a token, in one message with what other requests look up in this turn; undefined when it is worth nothing any more. */
async function findStored(context: OpenContext, claims: AccessTokenClaims): Promise<Stored | undefined> {
  const { tenantId, tenantDoor, keyRing, clients } = context;
  const cipher = keyRing.loadedCipherOf(tenantId) ?? (await keyRing.cipherOf(tenantId));
  const { id, clientId, subject } = claims;
  const isOfClient = subject === clientId;
  return await tenantDoor(
    tenantId,
    async (trx) => {
      const [row, client, account] = await Promise.all([
        findTokenRow(trx, id, clientId),
        clients.get(clientId),
        isOfClient ? undefined : findAccount(trx, cipher, subject),
      ]);
      if (!row || !client || row.account_id !== (account?.id ?? null)) return undefined;
      if (isOfClient) return { row, caller: callerOfClient(context, client, row.scope) };
      if (!account?.active || account.mustReset || (row.session_hash && row.session_is_idle === null)) return undefined;
      return { row, caller: await callerOfPerson(context, trx, { row, client, account }) };
    },
    'lookup',
  );
}

interface PersonalToken {
  readonly row: Pick<TokenRow, 'scope' | 'patient'>;
  readonly client: TokenClient;
  readonly account: Account;
}

/** What the token was granted, as far as its client may still have it and the person's roles allow it now. */
export async function callerOfPerson(
  { tenantId, resourceTypes }: TokenClientContext,
  trx: TenantTransaction,
  { row, client, account }: PersonalToken,
): Promise<Caller> {
  const granted = grantsOf(grantedScopes(parseScopes(row.scope, resourceTypes), client.registered));
  const rights = await rightsOfRoles(trx, account.roles);
  return {
    ...identityOf(tenantId, account, client.clientId),
    grants: intersectGrants(
      granted.filter(({ context }) => context !== 'system'),
      rights.grants,
    ),
    operations: operationsThrough(client.rights.operations, rights.operations),
    ...(row.patient === null ? {} : { patient: row.patient }),
  };
}

async function noteUse({ tenantId, tenantDoor }: CallerContext, sessionHash: Buffer): Promise<void> {
  await tenantDoor(tenantId, async (trx) => touchLoginSession(trx, sessionHash));
}

function notValidHere(): FhirError {
  return unauthorized('The access token is not valid here, or has expired.');
}

function unauthorized(diagnostics: string): FhirError {
  return fhirError('login', diagnostics, { status: 401 });
}
