// The row behind every access token (architecture.md, Access tokens): a JWT alone could not be revoked.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { hashOf } from './hash.ts';
import { accountMaySignIn, sessionIsIdle, sessionIsLive } from './live-session.ts';

export interface AccessToken {
  /** The JWT's `jti`; only its hash is stored. */
  readonly id: string;
  /** The model of oidc-provider, such as `ClientCredentials`. */
  readonly kind: string;
  readonly clientId: string;
  readonly scope: string;
  /** Seconds since 1970, as in the JWT. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** An access token of a person. */
export interface PersonalToken extends AccessToken {
  /** The grant's id at oidc-provider. */
  readonly grantId: string;
}

/** Of a client that acts for itself. */
export function insertAccessToken(trx: TenantTransaction, token: AccessToken): void {
  trx.execute({
    name: 'insert-access-token',
    text: `INSERT INTO access_token (id_hash, kind, client_id, scope, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6))`,
    values: [hashOf(token.id), token.kind, token.clientId, token.scope, token.issuedAt, token.expiresAt],
  });
}

/**
 * Its person, session and context are those of the grant, whose row stays locked until the token is there: a grant that is
 * being ended takes it along. For one that has just ended nothing is written, so that the token is worth nothing.
 */
export function insertPersonalToken(trx: TenantTransaction, token: PersonalToken): void {
  trx.execute({
    name: 'insert-personal-token',
    text: `INSERT INTO access_token (id_hash, kind, client_id, scope, issued_at, expires_at,
             grant_hash, account_id, session_hash, patient, encounter)
           SELECT $1, $2, $3, $4, to_timestamp($5), to_timestamp($6),
             app.grant_hash, app.account_id, app.session_hash, app.patient, app.encounter
           FROM app_grant AS app WHERE app.grant_hash = $7 FOR KEY SHARE`,
    values: [
      ...[hashOf(token.id), token.kind, token.clientId, token.scope, token.issuedAt, token.expiresAt],
      hashOf(token.grantId),
    ],
  });
}

/** Its client, person and session as they stand now; not when one of them is no longer good. */
const liveToken = `access_token AS token JOIN client ON client.client_id = token.client_id
             LEFT JOIN account ON account.id = token.account_id
             LEFT JOIN login_session AS session ON session.session_hash = token.session_hash
           WHERE token.id_hash = $1 AND token.expires_at > now() AND client.active
             AND (token.account_id IS NULL OR (${accountMaySignIn}))
             AND (token.session_hash IS NULL OR (${sessionIsLive}))`;

export interface StoredToken extends AccessToken {
  readonly accountId?: string;
}

/** Undefined when it is worth nothing any more or of another kind. */
export async function findAccessToken(
  trx: TenantTransaction,
  id: string,
  kind: string,
): Promise<StoredToken | undefined> {
  const rows = await trx.query<Omit<StoredToken, 'id' | 'kind'>>({
    name: 'find-access-token',
    text: `SELECT token.client_id AS "clientId", token.scope, extract(epoch FROM token.issued_at)::int AS "issuedAt",
             extract(epoch FROM token.expires_at)::int AS "expiresAt", token.account_id AS "accountId"
           FROM ${liveToken} AND token.kind = $2`,
    values: [hashOf(id), kind],
  });
  return rows[0] && { ...rows[0], id, kind };
}

/** Undefined for a token of a client that acts for itself. */
export async function findGrantOfToken(trx: TenantTransaction, id: string): Promise<Buffer | undefined> {
  const rows = await trx.query<{ grant_hash: Buffer | null }>({
    text: 'SELECT grant_hash FROM access_token WHERE id_hash = $1',
    values: [hashOf(id)],
  });
  return rows[0]?.grant_hash ?? undefined;
}

/** Revokes it, on every process, with the next request: a trigger rings `hpms_access`. */
export function deleteAccessToken(trx: TenantTransaction, id: string): void {
  trx.execute({ text: 'DELETE FROM access_token WHERE id_hash = $1', values: [hashOf(id)] });
}

export interface LiveToken {
  readonly scope: string;
  readonly client_id: string;
  readonly client_scope: string;
  /** Null for a client that acts for itself. */
  readonly account_id: string | null;
}

/** Undefined when the token is worth nothing any more. */
export async function findLiveToken(trx: TenantTransaction, id: string): Promise<LiveToken | undefined> {
  const rows = await trx.query<LiveToken>({
    name: 'find-live-token',
    text: `SELECT token.scope, client.client_id, client.scope AS client_scope, token.account_id FROM ${liveToken}`,
    values: [hashOf(id)],
  });
  return rows[0];
}

export interface TokenRow {
  readonly scope: string;
  /** Null for a client that acts for itself. */
  readonly account_id: string | null;
  readonly session_hash: Buffer | null;
  /** True when its use must be noted, so that nobody is logged off who works; null where there is no such session any more. */
  readonly session_is_idle: boolean | null;
  readonly patient: string | null;
}

interface FoundRow extends TokenRow {
  readonly client_id: string;
  readonly is_live: boolean;
}

/** The row of a token that its JWT says to be this client's. Whether client and person are still good is asked beside it. */
export async function findTokenRow(
  trx: TenantTransaction,
  id: string,
  clientId: string,
): Promise<TokenRow | undefined> {
  const [row] = await trx.query<FoundRow>({
    name: 'find-token-row',
    // By its key alone: with few tokens the planner would rather walk those that have not expired, and a join would be planned
    // once for however many sessions and clients there were then.
    text: `SELECT token.client_id, token.scope, token.account_id, token.session_hash, token.patient,
             token.expires_at > now() AS is_live,
             (SELECT ${sessionIsIdle} FROM login_session AS session
              WHERE session.session_hash = token.session_hash AND ${sessionIsLive}) AS session_is_idle
           FROM access_token AS token WHERE token.id_hash = $1`,
    values: [hashOf(id)],
  });
  return row?.is_live && row.client_id === clientId ? row : undefined;
}
