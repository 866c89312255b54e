// What a person let an app do, one row for every time: its launch context, and the end of all that was issued for it (RFC 9700 section 4.14).

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { hashOf } from './hash.ts';
import { accountMaySignIn, sessionIsLive } from './live-session.ts';

export interface LaunchContext {
  /** Ids of resources. */
  readonly patient?: string;
  readonly encounter?: string;
  readonly intent?: string;
}

export interface AppGrant extends LaunchContext {
  readonly accountId: string;
  readonly clientId: string;
}

export interface NewAppGrant extends AppGrant {
  /** The grant's id at oidc-provider. */
  readonly grantId: string;
  /** Absent for a grant that outlives its session. */
  readonly sessionHash: Buffer | undefined;
  readonly lifetimeSeconds: number;
}

export function insertAppGrant(trx: TenantTransaction, grant: NewAppGrant): void {
  trx.execute({
    text: `INSERT INTO app_grant (grant_hash, account_id, client_id, session_hash, patient, encounter, intent, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))`,
    values: [
      hashOf(grant.grantId),
      grant.accountId,
      grant.clientId,
      grant.sessionHash ?? null,
      grant.patient ?? null,
      grant.encounter ?? null,
      grant.intent ?? null,
      grant.lifetimeSeconds,
    ],
  });
}

/** Undefined when it was ended, or the session it belongs to, or its person may not sign in any more. */
export async function findAppGrant(trx: TenantTransaction, grantHash: Buffer): Promise<AppGrant | undefined> {
  const rows = await trx.query<GrantRow>({
    text: `SELECT app.account_id, app.client_id, app.patient, app.encounter, app.intent FROM app_grant AS app
             JOIN account ON account.id = app.account_id AND ${accountMaySignIn}
           WHERE app.grant_hash = $1 AND app.expires_at > now() AND (app.session_hash IS NULL OR EXISTS (
             SELECT FROM login_session AS session
             WHERE session.session_hash = app.session_hash AND ${sessionIsLive}))`,
    values: [grantHash],
  });
  return rows[0] && toGrant(rows[0]);
}

/** Ends it with every code and token issued for it. */
export function endGrant(trx: TenantTransaction, grantHash: Buffer): void {
  endGrants(trx, 'app.grant_hash = $1', [grantHash]);
}

export function endGrantsOfSession(trx: TenantTransaction, sessionHash: Buffer): void {
  endGrants(trx, 'app.session_hash = $1', [sessionHash]);
}

/** Of one app, or of all apps. */
export function endGrantsOfAccount(trx: TenantTransaction, accountId: string, clientId?: string): void {
  endGrants(trx, 'app.account_id = $1 AND ($2::text IS NULL OR app.client_id = $2)', [accountId, clientId ?? null]);
}

/** What people let the app do, and its own tokens. */
export function endAccessOfClient(trx: TenantTransaction, clientId: string): void {
  endGrants(trx, 'app.client_id = $1', [clientId]);
  trx.execute({ text: 'DELETE FROM access_token WHERE client_id = $1', values: [clientId] });
}

/**
 * The rows are locked first: whoever is just issuing a token holds a share lock on its grant's row until the token is there,
 * so that the statements after the first see that token too.
 */
function endGrants(trx: TenantTransaction, condition: string, values: unknown[]): void {
  const texts = [
    `SELECT 1 FROM app_grant AS app WHERE ${condition} FOR UPDATE`,
    `DELETE FROM oidc_record AS record USING app_grant AS app
     WHERE ${condition} AND (record.grant_hash = app.grant_hash
       OR (record.model = 'Grant' AND record.id_hash = app.grant_hash))`,
    `DELETE FROM access_token AS token USING app_grant AS app WHERE ${condition} AND token.grant_hash = app.grant_hash`,
    `DELETE FROM app_grant AS app WHERE ${condition}`,
  ];
  for (const text of texts) trx.execute({ text, values });
}

interface GrantRow {
  readonly account_id: string;
  readonly client_id: string;
  readonly patient: string | null;
  readonly encounter: string | null;
  readonly intent: string | null;
}

function toGrant({ account_id, client_id, patient, encounter, intent }: GrantRow): AppGrant {
  return {
    accountId: account_id,
    clientId: client_id,
    ...(patient === null ? {} : { patient }),
    ...(encounter === null ? {} : { encounter }),
    ...(intent === null ? {} : { intent }),
  };
}
