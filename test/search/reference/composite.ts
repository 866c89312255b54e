// Composite parameters: https://hl7.org/fhir/R4/search.html#composite

import type { Resource } from '@medplum/fhirtypes';
import type { World } from './asked.ts';
import { evaluate, type ReferenceParameter, valuesOf } from './parameters.ts';
import { splitAt } from './split.ts';
import { matchesValue } from './value.ts';

/**
 * "Composite parameters ... allow joining multiple elements into distinct single values with a $": "different from doing a
 * simple intersection - the intersection rules apply at the resource level, so, for example, an Observation with multiple
 * component values might match because one has the code and another has the value" - here both are of the same element.
 */
export function matchesComposite(
  resource: Resource,
  parameter: ReferenceParameter,
  raw: string,
  world: World,
): boolean {
  const parts = splitAt(raw, '$');
  return valuesOf(resource, parameter).some((element) =>
    parameter.components.every(({ expression, type }, index) => {
      const values = evaluate(expression, element);
      const component = { code: parameter.code, type, targets: [] };
      return matchesValue({ parameter: component, modifier: undefined, raw: parts[index] ?? '', values, world });
    }),
  );
}
