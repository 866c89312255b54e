// What a person said when an app asked for access, kept so that it is asked again only when the app wants more.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { endGrantsOfAccount } from './app-grants.ts';

export interface Consent {
  readonly clientId: string;
  /** Scopes as texts. */
  readonly granted: readonly string[];
  readonly refused: readonly string[];
  readonly givenAt: Date;
}

const columns = 'client_id AS "clientId", granted, refused, given_at AS "givenAt"';

export async function findConsent(
  trx: TenantTransaction,
  accountId: string,
  clientId: string,
): Promise<Consent | undefined> {
  const rows = await trx.query<Consent>({
    text: `SELECT ${columns} FROM app_consent WHERE account_id = $1 AND client_id = $2`,
    values: [accountId, clientId],
  });
  return rows[0];
}

/** The apps a person has let in. */
export async function listConsents(trx: TenantTransaction, accountId: string): Promise<Consent[]> {
  return await trx.query<Consent>({
    text: `SELECT ${columns} FROM app_consent WHERE account_id = $1 ORDER BY given_at DESC`,
    values: [accountId],
  });
}

/** What was said before about other scopes stays. */
export function saveConsent(
  trx: TenantTransaction,
  accountId: string,
  { clientId, granted, refused }: Omit<Consent, 'givenAt'>,
): void {
  trx.execute({
    text: `INSERT INTO app_consent AS before (account_id, client_id, granted, refused) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, account_id, client_id) DO UPDATE SET given_at = now(),
             granted = $3 || ARRAY(SELECT unnest(before.granted) EXCEPT SELECT unnest($3 || $4)),
             refused = $4 || ARRAY(SELECT unnest(before.refused) EXCEPT SELECT unnest($3 || $4))`,
    values: [accountId, clientId, granted, refused],
  });
}

/** The app's access ends at once, and it must ask again. False when it had none. */
export async function withdrawConsent(trx: TenantTransaction, accountId: string, clientId: string): Promise<boolean> {
  const rows = await trx.query({
    text: 'DELETE FROM app_consent WHERE account_id = $1 AND client_id = $2 RETURNING client_id',
    values: [accountId, clientId],
  });
  endGrantsOfAccount(trx, accountId, clientId);
  return rows.length > 0;
}
