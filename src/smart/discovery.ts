// What clients read first: https://hl7.org/fhir/smart-app-launch/conformance.html, RFC 8414 and OpenID Connect Discovery 1.0.

import { signingAlgorithm } from '../tenants/signing-key.ts';
import { assertionAlgorithms } from './client-assertion.ts';
import type { IssuerUrls } from './urls.ts';

export const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** For `.well-known/smart-configuration` under the FHIR base. */
export function smartConfiguration(urls: IssuerUrls): Record<string, unknown> {
  return {
    ...serverMetadata(urls),
    code_challenge_methods_supported: ['S256'],
    capabilities: [
      ...['client-confidential-symmetric', 'client-confidential-asymmetric'],
      ...['permission-v1', 'permission-v2'],
    ],
  };
}

/** For `.well-known/openid-configuration` and `.well-known/oauth-authorization-server` under the issuer. */
export function openIdConfiguration(urls: IssuerUrls): Record<string, unknown> {
  return {
    ...serverMetadata(urls),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [signingAlgorithm],
  };
}

/** Not oidc-provider's own document: that one names endpoints which are shut. */
function serverMetadata(urls: IssuerUrls): Record<string, unknown> {
  return {
    issuer: urls.issuer,
    jwks_uri: urls.jwks,
    token_endpoint: urls.token,
    token_endpoint_auth_methods_supported: clientAuthMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint: urls.introspection,
    introspection_endpoint_auth_methods_supported: clientAuthMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint: urls.revocation,
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    scopes_supported: ['system/*.cruds', 'system/*.rs', 'system/*.read', 'system/*.write'],
  };
}
