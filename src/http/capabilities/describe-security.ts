// Where a tenant's apps are let in and clients get their tokens: https://hl7.org/fhir/smart-app-launch/STU2/conformance.html

import type { CapabilityStatementRestSecurity, Extension } from '@medplum/fhirtypes';
import { oauthPaths, ownPaths } from '../../smart/urls.ts';

/** SMART's own names for the endpoints; at `manage` people see the apps they have let in. */
const endpoints = {
  authorize: oauthPaths.authorization,
  token: oauthPaths.token,
  introspect: oauthPaths.introspection,
  revoke: oauthPaths.revocation,
  manage: ownPaths.account,
};

export function describeSecurity(baseUrl: string): CapabilityStatementRestSecurity {
  const issuer = baseUrl.replace(/\/fhir$/, '');
  const extension = Object.entries(endpoints).map(([url, path]): Extension => ({ url, valueUri: issuer + path }));
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
