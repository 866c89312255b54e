// Positions near another one, by cells first and by their distance then: https://hl7.org/fhir/R4/location.html#search

import type { Resource } from '@medplum/fhirtypes';
import { cellsAround, isWithin, positionOf } from '../geo-cells.ts';
import type { Criterion } from '../search-query.ts';
import { cellText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileNear({ parameter, circles }: Criterion & { kind: 'near' }): CompiledCriterion {
  const cells = circles.flatMap(cellsAround);
  return {
    conditions: [anyText(cells.map((cell) => cellText(parameter.key, cell)))],
    recheck: (resource: Resource) =>
      parameter.read(resource).some((value) => {
        const position = positionOf(value);
        return position !== undefined && circles.some((circle) => isWithin(circle, position));
      }),
  };
}
