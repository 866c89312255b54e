// What belongs to the compartment of a patient, practitioner, related person, device or encounter: https://hl7.org/fhir/R4/compartmentdefinition.html

import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { CompartmentName, Criterion, SearchQuery } from './search-query.ts';

/**
 * The search parameters that put a resource of this type into a compartment: one reference to the compartment's resource in
 * any of them will do. Undefined for a type that is never in it. The compartment's own resource is always in, so its own
 * type is a member even where no parameter leads from one resource of the type to another.
 */
export function compartmentParameters(
  definitions: Definitions,
  compartmentType: string,
  type: string,
): readonly string[] | undefined {
  const parameters = definitions.compartment(compartmentType)?.parameters;
  if (!parameters) return undefined;
  if (Object.hasOwn(parameters, type)) return parameters[type];
  return type === compartmentType ? [] : undefined;
}

/** All member types in their order; empty where R4 has no such compartment. */
export function compartmentTypes(definitions: Definitions, compartmentType: string): readonly string[] {
  const parameters = definitions.compartment(compartmentType)?.parameters;
  return parameters ? [...new Set([...Object.keys(parameters), compartmentType])].sort() : [];
}

/** Throws 404 as R4 has it for what is no end point (http.html, search): no such compartment, or the type is never in it. */
export function requireMemberType(definitions: Definitions, compartmentType: string, type: string): readonly string[] {
  const parameters = compartmentParameters(definitions, compartmentType, type);
  if (parameters) return parameters;
  throw notOffered(
    definitions.compartment(compartmentType)
      ? `${type} is not in the ${compartmentType} compartment; https://hl7.org/fhir/R4/compartmentdefinition-${compartmentType.toLowerCase()}.html lists what is.`
      : `There is no ${compartmentType} compartment; R4 has those of Patient, Practitioner, RelatedPerson, Device and Encounter.`,
  );
}

/** The same search, of what is in the compartment only. */
export function inCompartment(definitions: Definitions, query: SearchQuery, compartment: CompartmentName): SearchQuery {
  const { type } = query;
  const parameters = requireMemberType(definitions, compartment.type, type);
  const criterion: Criterion = Object.freeze({
    kind: 'compartment',
    keys: parameters.map((code) => `${type}.${code}`),
    reference: `${compartment.type}/${compartment.id}`,
    ...(type === compartment.type && { ownId: compartment.id }),
  });
  return Object.freeze({ ...query, compartment, criteria: Object.freeze([criterion, ...query.criteria]) });
}

function notOffered(diagnostics: string): Error {
  return fhirError('not-supported', diagnostics, { status: 404 });
}
