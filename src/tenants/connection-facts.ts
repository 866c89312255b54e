// What a client needs to reach a tenant: the keys of `.data/demo.json` and of `npm run admin -- create-tenant`.

import type { CreatedTenant } from './create-tenant.ts';

export interface ConnectionFacts {
  readonly fhirBaseUrl: string;
  readonly tokenUrl: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export function connectionFacts(
  publicUrl: string,
  created: Pick<CreatedTenant, 'tenant' | 'clientId' | 'clientSecret'>,
): ConnectionFacts {
  const { tenant, clientId, clientSecret } = created;
  const issuer = `${publicUrl}/t/${tenant}`;
  return { fhirBaseUrl: `${issuer}/fhir`, tokenUrl: `${issuer}/token`, tenant, clientId, clientSecret };
}
