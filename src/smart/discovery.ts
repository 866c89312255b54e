// What clients read first: https://hl7.org/fhir/smart-app-launch/conformance.html, RFC 8414 and OpenID Connect Discovery 1.0.

import type { Settings } from '../tenants/settings.ts';
import { identityAlgorithm } from '../tenants/signing-key.ts';
import { brandIdentifier } from './brands.ts';
import { assertionAlgorithms } from './client-assertion.ts';
import { tokenExchangeGrant } from './token-exchange.ts';
import type { IssuerUrls } from './urls.ts';

/** Of clients that prove who they are. */
export const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** For `.well-known/smart-configuration` under the FHIR base. */
export function smartConfiguration(urls: IssuerUrls, settings: Settings): Record<string, unknown> {
  return {
    ...serverMetadata(urls, settings),
    user_access_brand_bundle: urls.brands,
    user_access_brand_identifier: brandIdentifier(urls),
    capabilities: [
      ...['launch-ehr', 'launch-standalone', 'authorize-post', 'sso-openid-connect'],
      ...['client-public', 'client-confidential-symmetric', 'client-confidential-asymmetric'],
      ...['context-banner', 'context-style', 'context-ehr-patient', 'context-ehr-encounter'],
      ...['context-standalone-patient', 'context-standalone-encounter'],
      ...['permission-offline', 'permission-online', 'permission-patient', 'permission-user'],
      ...['permission-v1', 'permission-v2'],
    ],
  };
}

/** For `.well-known/openid-configuration` and `.well-known/oauth-authorization-server` under the issuer. */
export function openIdConfiguration(urls: IssuerUrls, settings: Settings): Record<string, unknown> {
  return {
    ...serverMetadata(urls, settings),
    end_session_endpoint: urls.endSession,
    userinfo_endpoint: urls.userinfo,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [identityAlgorithm],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'amr', 'name', 'fhirUser'],
    prompt_values_supported: ['none', 'login', 'consent'],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}

/** What apps may take over to look like the clinic: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#styling */
export const styleDocument = {
  color_background: '#f6f7f9',
  color_error: '#b3261e',
  color_highlight: '#14508c',
  color_modal_backdrop: '',
  color_success: '#1b6e3c',
  color_text: '#1c2024',
  dim_border_radius: '8px',
  dim_font_size: '16px',
  dim_spacing_size: '20px',
  font_family_body: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  font_family_heading: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
};

/** Not oidc-provider's own document: that one names endpoints which are shut. */
function serverMetadata(urls: IssuerUrls, settings: Settings): Record<string, unknown> {
  return {
    issuer: urls.issuer,
    jwks_uri: urls.jwks,
    authorization_endpoint: urls.authorization,
    token_endpoint: urls.token,
    // A public client sends its id and the proof of PKCE.
    token_endpoint_auth_methods_supported: ['none', ...clientAuthMethods],
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint: urls.introspection,
    introspection_endpoint_auth_methods_supported: clientAuthMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint: urls.revocation,
    revocation_endpoint_auth_methods_supported: ['none', ...clientAuthMethods],
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    ...(settings['clients.dynamic-registration'] ? { registration_endpoint: urls.registration } : {}),
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials', tokenExchangeGrant],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: [
      ...['openid', 'profile', 'fhirUser', 'launch', 'launch/patient', 'launch/encounter'],
      ...['online_access', 'offline_access', 'patient/*.cruds', 'patient/*.rs', 'user/*.cruds', 'user/*.rs'],
      ...['system/*.cruds', 'system/*.rs', 'system/*.read', 'system/*.write'],
    ],
  };
}
