// A clinic's own Organization, the root of everything it is made of (domain.md S5-01).

import type { Address, ContactPoint, Identifier, Organization } from '@medplum/fhirtypes';

export interface OrganizationFacts {
  readonly name: string;
  readonly identifier?: Identifier[];
  readonly telecom?: ContactPoint[];
  readonly address?: Address[];
}

export function clinicOrganization(id: string, facts: OrganizationFacts, timezone: string): Organization {
  const { name, identifier, telecom, address } = facts;
  return {
    resourceType: 'Organization',
    id,
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: timezone }],
    ...(identifier && { identifier }),
    active: true,
    type: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/organization-type',
            code: 'prov',
            display: 'Healthcare Provider',
          },
        ],
      },
    ],
    name,
    ...(telecom && { telecom }),
    ...(address && { address }),
  };
}
