// A registered client in the words of RFC 7591, as oidc-provider wants it, and the check of its secret against the stored hash.

import { timingSafeEqual } from 'node:crypto';
import { type Client, hashSecret } from '../people/clients.ts';
import type { OidcClient, OidcPayload } from './oidc-provider.ts';

export function toClientMetadata(client: Client): OidcPayload {
  return {
    client_id: client.clientId,
    grant_types: client.grantTypes,
    response_types: [],
    redirect_uris: [],
    // oidc-provider's own `scope` knows only fixed values, so SMART scopes travel beside it.
    registered_scope: client.scope,
    ...(client.jwks
      ? { token_endpoint_auth_method: 'private_key_jwt', jwks: client.jwks }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: client.secretHash?.toString('hex') }),
  };
}

/** Takes the place of oidc-provider's comparison with a secret in the clear, which we do not have. */
export function compareClientSecret(this: OidcClient, presented: string): boolean {
  return timingSafeEqual(hashSecret(presented), Buffer.from(this.clientSecret ?? '', 'hex'));
}
