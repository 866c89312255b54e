// Sessions of browsers: oidc-provider's record with its cookie, and beside it the row that people see and that ends everything.

import type { Settings } from '../tenants/settings.ts';
import { hashOf } from './hash.ts';
import { insertLoginSession, isLiveSession, touchLoginSession } from './login-sessions.ts';
import { type OidcAdapter, type OidcPayload, Provider } from './oidc-provider.ts';
import { createRecordAdapter, type RecordContext } from './record-adapter.ts';
import { networkOf } from './throttle.ts';

export interface SessionContext extends RecordContext {
  readonly settings: () => Settings | Promise<Settings>;
}

/** Whoever signs in stays so for a working day at most; the automatic logoff comes earlier. */
export const sessionSeconds = 12 * 3_600;

export function createSessionAdapter(context: SessionContext): OidcAdapter {
  const { tenantId, tenantDoor } = context;
  const records = createRecordAdapter(context, 'Session');

  async function ifLive(payload: OidcPayload | undefined): Promise<OidcPayload | undefined> {
    if (payload?.accountId === undefined) return payload;
    const sessionHash = hashOf(payload.uid ?? '');
    return (await tenantDoor(tenantId, (trx) => isLiveSession(trx, sessionHash))) ? payload : undefined;
  }

  return {
    ...records,
    find: async (id) => await ifLive(await records.find(id)),
    findByUid: async (uid) => await ifLive(await records.findByUid?.(uid)),
    async upsert(id, payload, expiresInSeconds) {
      await records.upsert?.(id, payload, expiresInSeconds);
      if (payload.accountId !== undefined) await keepLoginSession(context, payload.uid ?? '', payload.accountId);
    },
  };
}

/** Only a sign-in makes the row: a session that was ended while its request was under way must not come back. */
async function keepLoginSession(context: SessionContext, uid: string, accountId: string): Promise<void> {
  const { tenantId, tenantDoor, keyRing } = context;
  const sessionHash = hashOf(uid);
  const request = Provider.ctx;
  if (!request?.oidc.result?.login) {
    return await tenantDoor(tenantId, async (trx) => touchLoginSession(trx, sessionHash));
  }
  const { 'session.idle-minutes': idleMinutes } = await context.settings();
  const cipher = await keyRing.cipherOf(tenantId);
  const made = {
    ...{ sessionHash, accountId },
    ...{ idleSeconds: idleMinutes * 60, lifetimeSeconds: sessionSeconds },
    ...{ network: networkOf(request.ip), userAgent: request.get('User-Agent') },
  };
  await tenantDoor(tenantId, async (trx) => insertLoginSession(trx, cipher, made));
}
