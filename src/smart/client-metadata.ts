// A registered client in the words of RFC 7591, as oidc-provider wants it, and the check of its secret against the stored hash.

import { timingSafeEqual } from 'node:crypto';
import { type Client, hashSecret, type JsonWebKeySet } from '../people/clients.ts';
import type { OidcClient, OidcPayload } from './oidc-provider.ts';

/** `jwks` are the keys an assertion is to be checked with, also of a client that has them at a URL. */
export function toClientMetadata(client: Client, jwks: JsonWebKeySet): OidcPayload {
  const isForPeople = client.grantTypes.includes('authorization_code');
  return {
    client_id: client.clientId,
    client_name: client.name,
    ...(client.clientUri === undefined ? {} : { client_uri: client.clientUri }),
    grant_types: client.grantTypes,
    response_types: isForPeople ? ['code'] : [],
    redirect_uris: isForPeople ? client.redirectUris : [],
    // What "web" means there is: compared as it is, every port included.
    application_type: client.redirectUris.every((uri) => /^https?:/.test(uri)) ? 'web' : 'native',
    // oidc-provider's own `scope` knows only fixed values, so SMART scopes travel beside it.
    registered_scope: client.scope,
    registered_roles: client.roles,
    registered_logout_uris: client.postLogoutRedirectUris,
    ...proofOf(client, jwks),
  };
}

function proofOf(client: Client, jwks: JsonWebKeySet): OidcPayload {
  switch (client.tokenEndpointAuthMethod) {
    case 'none':
      return { token_endpoint_auth_method: 'none' };
    case 'private_key_jwt':
      return { token_endpoint_auth_method: 'private_key_jwt', jwks };
    default:
      return {
        // One name for both ways to send a secret: oidc-provider takes either.
        token_endpoint_auth_method: 'client_secret_basic',
        client_secret: client.secretHash?.toString('hex'),
        previous_secret_hash: client.previousSecretHash?.toString('hex'),
      };
  }
}

/** Takes the place of oidc-provider's comparison with a secret in the clear, which we do not have. */
export function compareClientSecret(this: OidcClient, presented: string): boolean {
  const hash = hashSecret(presented);
  return [this.clientSecret, this.previous_secret_hash].some(
    (known) => known !== undefined && timingSafeEqual(hash, Buffer.from(known, 'hex')),
  );
}
