// Where a tenant's clients get their tokens: https://hl7.org/fhir/smart-app-launch/STU2/conformance.html

import type { CapabilityStatementRestSecurity, Extension } from '@medplum/fhirtypes';
import { oauthPaths } from '../../smart/urls.ts';

/** SMART's own names for the endpoints; there is no `authorize`, for no app is launched here. */
const endpoints = { token: 'token', introspect: 'introspection', revoke: 'revocation' } as const;

export function describeSecurity(baseUrl: string): CapabilityStatementRestSecurity {
  const issuer = baseUrl.replace(/\/fhir$/, '');
  const extension = Object.entries(endpoints).map(
    ([url, endpoint]): Extension => ({ url, valueUri: issuer + oauthPaths[endpoint] }),
  );
  return {
    extension: [{ url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension }],
    cors: true,
    service: [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
      },
    ],
    description: `OAuth 2 with SMART scopes; ${baseUrl}/.well-known/smart-configuration says more.`,
  };
}
