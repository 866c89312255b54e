// R4's definitions with this project's own search parameters, which all tenants have: https://hl7.org/fhir/R4/searchparameter.html

import { withSearchParameters } from '../../fhir/definitions/overlay.ts';
import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import { type Definitions, loadDefinitions } from '../../fhir/definitions.ts';
import { ownDefinitions } from '../../validation/profiles/own-definitions.ts';
import { readDefinition } from './read-definition.ts';
import { requireDistinct } from './require-distinct.ts';

let loaded: Definitions | undefined;

/** What R4's parameters store is the same with and without them. */
export function houseDefinitions(): Definitions {
  loaded ??= withOwn(loadDefinitions());
  return loaded;
}

/** No type is closed to this project's own. */
const closedToTenantsOnly: ReadonlySet<string> = new Set();

/** They follow the rules that those of a tenant follow; one that does not is a mistake in this project. */
function withOwn(base: Definitions): Definitions {
  const parameters: SearchParameter[] = [];
  for (const resource of ownDefinitions().searchParameters) {
    const parameter = readDefinition(resource, base, closedToTenantsOnly);
    if (!parameter) throw new Error(`${resource.url} is not active, or is one of R4.`);
    requireDistinct(parameter, parameters);
    parameters.push(parameter);
  }
  return withSearchParameters(base, { parameters });
}
