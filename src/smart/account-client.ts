// The one app that every clinic has: its own account pages, for which people sign in like for any other app, but are not asked for consent.

import type { OidcPayload } from './oidc-provider.ts';
import { type IssuerUrls, oauthPaths, ownPaths } from './urls.ts';

export const accountClientId = 'account';

/** Where the browser comes back to; what it brings along is not used, for the session is what was wanted. */
export const signedInPath = '/signed-in';

export function accountClientMetadata({ issuer }: IssuerUrls): OidcPayload {
  return {
    client_id: accountClientId,
    client_name: 'Your account',
    application_type: 'web',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [redirectUri(issuer)],
    token_endpoint_auth_method: 'none',
    registered_scope: 'openid',
    registered_roles: [],
    registered_logout_uris: [],
  };
}

/** Of no verifier that anybody has, so that the code is worth nothing. */
const codeChallenge = 'A'.repeat(43);

export function signInHref({ issuer, basePath, fhirBase }: IssuerUrls): string {
  const query = new URLSearchParams({
    ...{ client_id: accountClientId, response_type: 'code', scope: 'openid', redirect_uri: redirectUri(issuer) },
    ...{ aud: fhirBase, code_challenge: codeChallenge, code_challenge_method: 'S256' },
  });
  return `${basePath}${oauthPaths.authorization}?${query}`;
}

function redirectUri(issuer: string): string {
  return `${issuer}${ownPaths.account}${signedInPath}`;
}
