// Where a tenant's authorization server is; from the configured base URL only, never from a request: security.md 68.

export interface IssuerUrls {
  readonly issuer: string;
  /** The `aud` of access tokens. */
  readonly fhirBase: string;
  readonly token: string;
  readonly introspection: string;
  readonly revocation: string;
  readonly jwks: string;
}

/** Paths below the issuer. */
export const oauthPaths = {
  token: '/token',
  introspection: '/introspect',
  revocation: '/revoke',
  jwks: '/jwks',
} as const;

/** `publicUrl` has no slash at its end. */
export function issuerUrls(publicUrl: string, tenantName: string): IssuerUrls {
  const issuer = `${publicUrl}/t/${tenantName}`;
  return {
    issuer,
    fhirBase: `${issuer}/fhir`,
    token: issuer + oauthPaths.token,
    introspection: issuer + oauthPaths.introspection,
    revocation: issuer + oauthPaths.revocation,
    jwks: issuer + oauthPaths.jwks,
  };
}
