// The resource a request carries, checked against the type its URL names.

import type { Resource } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { InteractionRequest } from './interaction.ts';

/** Throws 400 when the body is no resource or of another type than the URL says. */
export function requestResource(request: InteractionRequest): Resource {
  const value = request.body?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fhirError('structure', `The body must be a JSON object, a ${request.type} resource.`);
  }
  const { resourceType } = value as { resourceType?: unknown };
  if (resourceType !== request.type) {
    throw fhirError('invalid', `The URL names ${request.type}, the body's resourceType is another one or missing.`, {
      expression: 'resourceType',
    });
  }
  return value as Resource;
}

/** The texts of its numbers, to be handed on with it. */
export function exactNumbersOf(request: InteractionRequest) {
  return request.body?.exactNumbers ? { exactNumbers: request.body.exactNumbers } : {};
}
