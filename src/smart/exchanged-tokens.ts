// The rows of tokens that were exchanged for others: of the same grant, person, session and context, and gone with the one before.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import type { AccessToken } from './access-tokens.ts';
import { hashOf } from './hash.ts';

/**
 * The grant stays locked until the token is there, as whoever ends it, or the token before, locks it first; then what that
 * one has ended is not there any more, and nothing is written: the token is worth nothing.
 */
export function insertExchangedToken(trx: TenantTransaction, token: AccessToken, subjectId: string): void {
  const subject = hashOf(subjectId);
  trx.execute({ text: `SELECT 1 FROM app_grant AS app WHERE ${isGrantOf} FOR KEY SHARE`, values: [subject] });
  trx.execute({
    text: `INSERT INTO access_token (id_hash, kind, client_id, scope, issued_at, expires_at,
             grant_hash, account_id, session_hash, patient, encounter, subject_hash)
           SELECT $2, $3, $4, $5, to_timestamp($6), to_timestamp($7),
             subject.grant_hash, subject.account_id, subject.session_hash, subject.patient, subject.encounter, $1
           FROM access_token AS subject JOIN app_grant AS app ON app.grant_hash = subject.grant_hash
           WHERE subject.id_hash = $1`,
    values: [subject, ...[hashOf(token.id), token.kind, token.clientId, token.scope, token.issuedAt, token.expiresAt]],
  });
}

/** What this one was exchanged for, and what that was, and so on; to be called before it is ended itself. */
export function endExchangedTokens(trx: TenantTransaction, id: string): void {
  const values = [hashOf(id)];
  trx.execute({ text: `SELECT 1 FROM app_grant AS app WHERE ${isGrantOf} FOR UPDATE`, values });
  trx.execute({
    text: `WITH RECURSIVE ended AS (
             SELECT id_hash FROM access_token WHERE subject_hash = $1
             UNION SELECT token.id_hash FROM access_token AS token JOIN ended ON token.subject_hash = ended.id_hash)
           DELETE FROM access_token AS token USING ended WHERE token.id_hash = ended.id_hash`,
    values,
  });
}

const isGrantOf = 'app.grant_hash = (SELECT grant_hash FROM access_token WHERE id_hash = $1)';
