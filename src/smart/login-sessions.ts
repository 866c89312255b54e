// Who is signed in, since when and from where: what people and administrators see of it, and how it ends (45 CFR 164.312(a)(2)(iii), automatic logoff).

import { randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { endGrantsOfSession } from './app-grants.ts';
import { accountMaySignIn, sessionIsIdle, sessionIsLive } from './live-session.ts';

export interface LoginSession {
  readonly id: string;
  readonly accountId: string;
  /** The address it was made from; the first half of an IPv6 one. */
  readonly network: string;
  readonly userAgent: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** As other rows name it. */
  readonly sessionHash: Buffer;
}

export interface NewLoginSession {
  readonly sessionHash: Buffer;
  readonly accountId: string;
  readonly network: string;
  readonly userAgent: string;
  readonly idleSeconds: number;
  readonly lifetimeSeconds: number;
}

export function insertLoginSession(trx: TenantTransaction, cipher: TenantCipher, made: NewLoginSession): void {
  const { sessionHash, accountId, network, userAgent, idleSeconds, lifetimeSeconds } = made;
  const origin = JSON.stringify({ network, userAgent: userAgent.slice(0, 400) });
  trx.execute({
    text: `INSERT INTO login_session (session_hash, id, account_id, origin, idle_seconds, expires_at)
           VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
           ON CONFLICT (tenant_id, session_hash) DO UPDATE SET last_used_at = now()`,
    values: [
      sessionHash,
      randomUUID(),
      accountId,
      cipher.seal(Buffer.from(origin), originContext(sessionHash)),
      idleSeconds,
      lifetimeSeconds,
    ],
  });
}

/** Puts off the automatic logoff. */
export function touchLoginSession(trx: TenantTransaction, sessionHash: Buffer): void {
  trx.execute({
    name: 'touch-login-session',
    text: `UPDATE login_session AS session SET last_used_at = now() WHERE session_hash = $1 AND ${sessionIsIdle}`,
    values: [sessionHash],
  });
}

/** False when it was ended, was not used for too long, or its account may not sign in any more. */
export async function isLiveSession(trx: TenantTransaction, sessionHash: Buffer): Promise<boolean> {
  const rows = await trx.query({
    text: `SELECT 1 FROM login_session AS session JOIN account ON account.id = session.account_id
           WHERE session.session_hash = $1 AND ${sessionIsLive} AND ${accountMaySignIn}`,
    values: [sessionHash],
  });
  return rows.length > 0;
}

/** Newest first; of one account, or of all. */
export async function listLoginSessions(
  trx: TenantTransaction,
  cipher: TenantCipher,
  accountId?: string,
): Promise<LoginSession[]> {
  const rows = await trx.query<SessionRow>({
    text: `SELECT session.id, session.account_id, session.origin, session.created_at, session.last_used_at,
             session.session_hash
           FROM login_session AS session
           WHERE ($1::uuid IS NULL OR session.account_id = $1) AND ${sessionIsLive}
           ORDER BY session.last_used_at DESC LIMIT ${sessionsListedMax}`,
    values: [accountId ?? null],
  });
  return rows.map((row) => ({
    ...(JSON.parse(cipher.open(row.origin, originContext(row.session_hash)).toString()) as Origin),
    id: row.id,
    accountId: row.account_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    sessionHash: row.session_hash,
  }));
}

/** The account that is signed in; undefined where there is no such session. */
export async function accountOfSession(trx: TenantTransaction, id: string): Promise<string | undefined> {
  const rows = await trx.query<{ account_id: string }>({
    text: 'SELECT account_id FROM login_session WHERE id = $1',
    values: [id],
  });
  return rows[0]?.account_id;
}

/** Ends it with its tokens and with every access given in it; of this account only when one is named. False when there is none. */
export async function endLoginSession(trx: TenantTransaction, id: string, accountId?: string): Promise<boolean> {
  const rows = await trx.query<{ session_hash: Buffer }>({
    text: `DELETE FROM login_session WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2) RETURNING session_hash`,
    values: [id, accountId ?? null],
  });
  for (const { session_hash } of rows) endRest(trx, session_hash);
  return rows.length > 0;
}

/** Signing out. */
export function endSessionByHash(trx: TenantTransaction, sessionHash: Buffer): void {
  trx.execute({ text: 'DELETE FROM login_session WHERE session_hash = $1', values: [sessionHash] });
  endRest(trx, sessionHash);
}

/** All of an account's, but for the one it is using when that is named. */
export async function endLoginSessionsOf(
  trx: TenantTransaction,
  accountId: string,
  exceptSessionHash?: Buffer,
): Promise<void> {
  const rows = await trx.query<{ session_hash: Buffer }>({
    text: `DELETE FROM login_session WHERE account_id = $1 AND ($2::bytea IS NULL OR session_hash <> $2)
           RETURNING session_hash`,
    values: [accountId, exceptSessionHash ?? null],
  });
  for (const { session_hash } of rows) endRest(trx, session_hash);
}

function endRest(trx: TenantTransaction, sessionHash: Buffer): void {
  trx.execute({
    text: "DELETE FROM oidc_record WHERE model = 'Session' AND uid_hash = $1",
    values: [sessionHash],
  });
  endGrantsOfSession(trx, sessionHash);
}

const sessionsListedMax = 1_000;

interface Origin {
  readonly network: string;
  readonly userAgent: string;
}

interface SessionRow {
  readonly id: string;
  readonly account_id: string;
  readonly origin: Buffer;
  readonly created_at: Date;
  readonly last_used_at: Date;
  readonly session_hash: Buffer;
}

function originContext(sessionHash: Buffer): string {
  return `login_session|${sessionHash.toString('hex')}`;
}

export const sessionColumn: SealedColumn = {
  ...{ table: 'login_session', column: 'origin', key: [{ name: 'session_hash', type: 'bytea' }] },
  contextOf: ([hash = '']) => originContext(Buffer.from(hash, 'hex')),
};
