// Deletes the tokens, links and records of all tenants that have expired: they were worth nothing already, this only keeps the tables
// small; and apps that have registered themselves and that nobody has let in within a month.

import type { SystemDoor } from '../database/system-transaction.ts';

/** To be run every few minutes by one process. */
export async function sweepExpired(systemDoor: SystemDoor): Promise<void> {
  await systemDoor(async (trx) => {
    for (const name of [
      'access_token',
      'used_assertion',
      'oidc_record',
      'app_grant',
      'smart_launch',
      'login_session',
      'account_link',
    ]) {
      trx.execute({ text: `DELETE FROM ${name} WHERE expires_at < now()` });
    }
    trx.execute({
      text: `DELETE FROM client WHERE self_registered AND created_at < now() - interval '30 days' AND NOT EXISTS (
               SELECT FROM app_consent AS consent
               WHERE consent.tenant_id = client.tenant_id AND consent.client_id = client.client_id)`,
    });
  });
}
