// Values a profile fixes, in whole or in part: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_

import type { ProfileElement } from '../../fhir/profiles/profile-element.ts';
import { describeRule, valueRule } from './match-value.ts';
import type { PlaceCheck } from './run.ts';

export function compileValue(element: ProfileElement, baseline: ProfileElement, where: string): PlaceCheck | undefined {
  const rule = valueRule(element);
  if (!rule || JSON.stringify(valueRule(baseline)?.value) === JSON.stringify(rule.value)) return undefined;
  const text = `The value must be ${describeRule(rule)} (${where}).`;
  return (place, run) => {
    if (!rule.matches(place, run)) run.add('error', 'value', { place }, text);
  };
}
