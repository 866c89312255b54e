// GET [base]/metadata: what this server can do, from the same tables that do it: https://hl7.org/fhir/R4/capabilitystatement.html

import type { CapabilityStatement, CapabilityStatementRestResource } from '@medplum/fhirtypes';
import { isClosed } from '../access/may.ts';
import type { SearchParameter } from '../fhir/definitions/snapshot.ts';
import type { Definitions } from '../fhir/definitions.ts';
import { indexedParameters } from '../search/search-parameters.ts';
import type { OpenInteraction } from './interaction.ts';
import type { FhirRoute } from './route.ts';

/** The resource list is the same for all tenants and is made once; only the URLs differ. */
export function createCapabilities(definitions: Definitions, routes: readonly FhirRoute[]): OpenInteraction {
  const interactions = [...new Set(routes.map((route) => route.code))];
  const date = new Date().toISOString();
  let resource: CapabilityStatementRestResource[] | undefined;
  return (_options, baseUrl) => {
    // At the first request, for it compiles the search parameters of all types.
    resource ??= [...definitions.resourceTypes].sort().map((type) => describeType(definitions, type, interactions));
    return { status: 200, headers: {}, body: JSON.stringify(describe(baseUrl, date, resource)) };
  };
}

function describe(baseUrl: string, date: string, resource: CapabilityStatementRestResource[]): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software: { name: 'HPMS' },
    implementation: { description: 'HPMS FHIR server', url: baseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    patchFormat: ['application/json-patch+json'],
    rest: [
      {
        mode: 'server',
        security: {
          service: [
            {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' },
              ],
            },
          ],
        },
        resource,
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
      },
    ],
  };
}

const writing: Readonly<Record<string, 'c' | 'u' | 'd'>> = { create: 'c', update: 'u', patch: 'u', delete: 'd' };

function describeType(
  definitions: Definitions,
  type: string,
  interactions: readonly FhirRoute['code'][],
): CapabilityStatementRestResource {
  const offered = interactions.filter((code) => {
    const permission = writing[code];
    return permission === undefined || !isClosed(type, permission);
  });
  return {
    type: type as NonNullable<CapabilityStatementRestResource['type']>,
    interaction: offered.map((code) => ({ code: code as 'read' })),
    versioning: 'versioned',
    readHistory: true,
    updateCreate: !isClosed(type, 'u'),
    conditionalCreate: false,
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    searchParam: [...indexedParameters(definitions, type).keys()].map((code) =>
      describeParameter(definitions, type, code),
    ),
  };
}

function describeParameter(definitions: Definitions, type: string, code: string) {
  const { type: kind, url } = definitions.searchParameters(type).get(code) as SearchParameter;
  return { name: code, type: kind as 'token', definition: url };
}
