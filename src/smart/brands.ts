// Who runs this server, for apps that let patients choose their clinic: https://hl7.org/fhir/smart-app-launch/brands.html

import type { Bundle, Endpoint, Organization } from '@medplum/fhirtypes';
import type { IssuerUrls } from './urls.ts';

export interface BrandContext {
  readonly urls: IssuerUrls;
  readonly tenantDisplay: string;
}

/** As of when this process learnt it; the clinic's name is all there is to change. */
export function brandsBundle({ urls, tenantDisplay }: BrandContext): Bundle {
  const timestamp = new Date().toISOString();
  const brand: Organization = {
    resourceType: 'Organization',
    id: 'brand',
    meta: { lastUpdated: timestamp },
    active: true,
    identifier: [brandIdentifier(urls)],
    name: tenantDisplay,
    telecom: [{ system: 'url', value: urls.issuer }],
    endpoint: [{ reference: 'Endpoint/fhir' }],
  };
  const endpoint: Endpoint = {
    resourceType: 'Endpoint',
    id: 'fhir',
    meta: { lastUpdated: timestamp },
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
    status: 'active',
    connectionType: {
      system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type',
      code: 'hl7-fhir-rest',
    },
    name: `FHIR R4 of ${tenantDisplay}`,
    contact: [{ system: 'url', value: urls.issuer }],
    payloadType: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] },
    ],
    address: urls.fhirBase,
  };
  return {
    resourceType: 'Bundle',
    type: 'collection',
    timestamp,
    entry: [brand, endpoint].map((resource) => ({
      fullUrl: `${urls.brands.replace(/\.json$/, '')}/${resource.resourceType}/${resource.id}`,
      resource,
    })),
  };
}

/** In the Bundle and in smart-configuration alike, so that an app finds the one by the other. */
export function brandIdentifier({ issuer }: IssuerUrls): { readonly system: string; readonly value: string } {
  return { system: 'urn:ietf:rfc:3986', value: issuer };
}
