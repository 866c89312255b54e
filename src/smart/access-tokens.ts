// The row behind every access token (architecture.md, Access tokens): a JWT alone could not be revoked.

import { createHash } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';

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

export function insertAccessToken(trx: TenantTransaction, token: AccessToken): void {
  trx.execute({
    name: 'insert-access-token',
    text: `INSERT INTO access_token (id_hash, kind, client_id, scope, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6))`,
    values: [hashOf(token.id), token.kind, token.clientId, token.scope, token.issuedAt, token.expiresAt],
  });
}

/** Undefined when it is revoked, expired or of another kind. */
export async function findAccessToken(
  trx: TenantTransaction,
  id: string,
  kind: string,
): Promise<AccessToken | undefined> {
  const rows = await trx.query<Omit<AccessToken, 'id' | 'kind'>>({
    name: 'find-access-token',
    text: `SELECT client_id AS "clientId", scope, extract(epoch FROM issued_at)::int AS "issuedAt",
             extract(epoch FROM expires_at)::int AS "expiresAt"
           FROM access_token WHERE id_hash = $1 AND kind = $2 AND expires_at > now()`,
    values: [hashOf(id), kind],
  });
  return rows[0] && { ...rows[0], id, kind };
}

/** Revokes it, on every process, with the next request: a trigger rings `hpms_access`. */
export function deleteAccessToken(trx: TenantTransaction, id: string): void {
  trx.execute({ text: 'DELETE FROM access_token WHERE id_hash = $1', values: [hashOf(id)] });
}

export interface LiveToken {
  readonly scope: string;
  readonly client_id: string;
  readonly client_name: Buffer;
  readonly client_scope: string;
  readonly client_roles: string[];
}

/** The token and its client as they stand now; undefined when either is no longer good. */
export async function findLiveToken(trx: TenantTransaction, id: string): Promise<LiveToken | undefined> {
  const rows = await trx.query<LiveToken>({
    name: 'find-live-token',
    text: `SELECT token.scope, client.client_id, client.name AS client_name, client.scope AS client_scope,
             client.roles AS client_roles
           FROM access_token AS token JOIN client ON client.client_id = token.client_id
           WHERE token.id_hash = $1 AND token.expires_at > now() AND client.active`,
    values: [hashOf(id)],
  });
  return rows[0];
}

function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}
