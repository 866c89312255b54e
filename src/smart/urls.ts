// Where a tenant's authorization server is; from the configured base URL only, never from a request: security.md 68.

export interface IssuerUrls {
  readonly issuer: string;
  /** The `aud` of access tokens. */
  readonly fhirBase: string;
  /** The path of the issuer, within which cookies stay. */
  readonly basePath: string;
  readonly authorization: string;
  readonly token: string;
  readonly introspection: string;
  readonly revocation: string;
  readonly registration: string;
  readonly endSession: string;
  readonly userinfo: string;
  readonly jwks: string;
  readonly brands: string;
  readonly style: string;
}

/** Paths below the issuer, in the names of oidc-provider's routes. */
export const oauthPaths = {
  authorization: '/authorize',
  token: '/token',
  introspection: '/introspect',
  revocation: '/revoke',
  jwks: '/jwks',
} as const;

/** Paths below the issuer that oidc-provider knows nothing of. */
export const ownPaths = {
  interaction: '/interaction',
  launch: '/launch',
  registration: '/register',
  endSession: '/logout',
  userinfo: '/userinfo',
  brands: '/.well-known/user-access-brands.json',
  style: '/.well-known/smart-style.json',
  account: '/account',
  upstream: '/upstream',
  assets: '/assets',
} as const;

/** `publicUrl` has no slash at its end. */
export function issuerUrls(publicUrl: string, tenantName: string): IssuerUrls {
  const issuer = `${publicUrl}/t/${tenantName}`;
  return {
    issuer,
    fhirBase: `${issuer}/fhir`,
    basePath: new URL(issuer).pathname,
    authorization: issuer + oauthPaths.authorization,
    token: issuer + oauthPaths.token,
    introspection: issuer + oauthPaths.introspection,
    revocation: issuer + oauthPaths.revocation,
    registration: issuer + ownPaths.registration,
    endSession: issuer + ownPaths.endSession,
    userinfo: issuer + ownPaths.userinfo,
    jwks: issuer + oauthPaths.jwks,
    brands: issuer + ownPaths.brands,
    style: issuer + ownPaths.style,
  };
}
