// Where oidc-provider keeps clients, tokens and assertion ids: the tenant's tables, checked atomically (security.md 1.9, Races).

import { findClient } from '../people/clients.ts';
import { deleteAccessToken, findAccessToken } from './access-tokens.ts';
import { accountClientId, accountClientMetadata } from './account-client.ts';
import type { ClientKeys } from './client-key-set.ts';
import { toClientMetadata } from './client-metadata.ts';
import { endExchangedTokens } from './exchanged-tokens.ts';
import { hashOf } from './hash.ts';
import { createInteractionAdapter } from './interaction-adapter.ts';
import { errors, type OidcAdapter, Provider } from './oidc-provider.ts';
import { createGrantedAdapter, createRecordAdapter, endGrantOfRequest } from './record-adapter.ts';
import { createSessionAdapter, type SessionContext } from './session-adapter.ts';
import type { IssuerUrls } from './urls.ts';

export interface AdapterContext extends SessionContext {
  readonly urls: IssuerUrls;
  readonly clientKeys: ClientKeys;
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
      case 'Interaction':
        return createInteractionAdapter(context);
      case 'Session':
        return createSessionAdapter(context);
      case 'AuthorizationCode':
      case 'RefreshToken':
        return createGrantedAdapter(context, model);
      default:
        return createRecordAdapter(context, model);
    }
  };
}

function clientAdapter({ tenantId, tenantDoor, keyRing, clientKeys, urls }: AdapterContext): OidcAdapter {
  return {
    async find(clientId) {
      if (clientId === accountClientId) return accountClientMetadata(urls);
      const cipher = await keyRing.cipherOf(tenantId);
      const client = await tenantDoor(tenantId, (trx) => findClient(trx, cipher, clientId));
      if (!client?.active) return undefined;
      // Who asks what a token is must prove who it is: RFC 7662 section 2.1.
      const isPublic = client.tokenEndpointAuthMethod === 'none';
      if (isPublic && Provider.ctx?.oidc.route === 'introspection') return undefined;
      const assertion = Provider.ctx?.oidc.body?.client_assertion;
      return toClientMetadata(client, await clientKeys(client, typeof assertion === 'string' ? assertion : undefined));
    },
  };
}

/** Access tokens are JWTs, which oidc-provider does not store: the row was written when the JWT was made (provider.ts). */
function accessTokenAdapter({ tenantId, tenantDoor, urls }: AdapterContext, kind: string): OidcAdapter {
  return {
    async find(id) {
      const token = await tenantDoor(tenantId, (trx) => findAccessToken(trx, id, kind));
      if (!token) return undefined;
      const { clientId, scope, issuedAt, expiresAt, accountId } = token;
      // Without the grant, for which oidc-provider would ask by an id that is not stored: a grant that ends takes the row along.
      return {
        ...{ jti: id, kind, clientId, scope, aud: urls.fhirBase, iat: issuedAt, exp: expiresAt },
        ...(accountId ? { accountId } : {}),
      };
    },
    async destroy(id) {
      await tenantDoor(tenantId, async (trx) => {
        endExchangedTokens(trx, id);
        deleteAccessToken(trx, id);
      });
    },
    async revokeByGrantId(grantId) {
      await tenantDoor(tenantId, (trx) => endGrantOfRequest(trx, hashOf(grantId)));
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
