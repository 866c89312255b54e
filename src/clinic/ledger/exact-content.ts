// A resource with amounts of any size, which are written as they are and not as a JSON number rounds them: https://hl7.org/fhir/R4/datatypes.html#decimal

import type { Resource } from '@medplum/fhirtypes';
import type { Content } from '../../repository/change.ts';
import { findExact, unmarkExact } from '../../repository/exact-tree.ts';

/** Of a resource that was just made with `exactMoney`; it is changed. */
export function exactContent<T extends Resource>(made: T): Required<Content> & { readonly resource: T } {
  const exactNumbers = findExact(made);
  return { resource: unmarkExact(made) as T, exactNumbers };
}
