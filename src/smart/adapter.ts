// Where oidc-provider keeps clients, tokens and assertion ids: the tenant's tables, checked atomically (security.md 1.9, Races).

import { createHash } from 'node:crypto';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { findClient } from '../people/clients.ts';
import { deleteAccessToken, findAccessToken } from './access-tokens.ts';
import { toClientMetadata } from './client-metadata.ts';
import { errors, type OidcAdapter } from './oidc-provider.ts';
import { createRecordAdapter } from './record-adapter.ts';

export interface AdapterContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  /** The `aud` of every access token. */
  readonly fhirBaseUrl: string;
}

/** The factory that oidc-provider asks once per model. */
export function createAdapter(context: AdapterContext): (model: string) => OidcAdapter {
  return (model) => {
    switch (model) {
      case 'Client':
        return clientAdapter(context);
      case 'ClientCredentials':
      case 'AccessToken':
        return accessTokenAdapter(context, model);
      case 'ReplayDetection':
        return replayAdapter(context);
      default:
        return createRecordAdapter(context, model);
    }
  };
}

function clientAdapter({ tenantId, tenantDoor, keyRing }: AdapterContext): OidcAdapter {
  return {
    async find(clientId) {
      const cipher = await keyRing.cipherOf(tenantId);
      const client = await tenantDoor(tenantId, (trx) => findClient(trx, cipher, clientId));
      return client?.active ? toClientMetadata(client) : undefined;
    },
  };
}

/** Access tokens are JWTs, which oidc-provider does not store: the row was written when the JWT was made (provider.ts). */
function accessTokenAdapter({ tenantId, tenantDoor, fhirBaseUrl }: AdapterContext, kind: string): OidcAdapter {
  return {
    async find(id) {
      const token = await tenantDoor(tenantId, (trx) => findAccessToken(trx, id, kind));
      if (!token) return undefined;
      const { clientId, scope, issuedAt, expiresAt } = token;
      return { jti: id, kind, clientId, scope, aud: fhirBaseUrl, iat: issuedAt, exp: expiresAt };
    },
    async destroy(id) {
      await tenantDoor(tenantId, async (trx) => deleteAccessToken(trx, id));
    },
  };
}

/** The id of an assertion counts once: the primary key decides, not the question asked before. */
function replayAdapter({ tenantId, tenantDoor }: AdapterContext): OidcAdapter {
  return {
    find: async () => undefined,
    async upsert(id, _payload, expiresInSeconds) {
      const rows = await tenantDoor(tenantId, (trx) =>
        trx.query({
          text: `INSERT INTO used_assertion (id_hash, expires_at) VALUES ($1, now() + make_interval(secs => $2))
                 ON CONFLICT DO NOTHING RETURNING id_hash`,
          values: [hashOf(id), expiresInSeconds],
        }),
      );
      if (rows.length === 0) throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
    },
  };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
