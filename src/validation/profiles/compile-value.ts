// Values a profile fixes or bounds: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_

import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
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

/** `minValue[x]` and `maxValue[x]` of numbers and quantities, and `maxLength`. */
export function compileBounds(rules: ElementRules, baseline: ElementRules, where: string): PlaceCheck | undefined {
  const least = boundOf(rules, 'minValue');
  const most = boundOf(rules, 'maxValue');
  const length = rules.maxLength === baseline.maxLength ? undefined : rules.maxLength;
  if (least === undefined && most === undefined && length === undefined) return undefined;
  return (place, run) => {
    const { value } = place;
    const number = numberOf(value);
    if (number !== undefined && least !== undefined && number < least) {
      run.add('error', 'value', { place }, `The value must be at least ${least} (${where}).`);
    }
    if (number !== undefined && most !== undefined && number > most) {
      run.add('error', 'value', { place }, `The value must be at most ${most} (${where}).`);
    }
    if (length !== undefined && typeof value === 'string' && value.length > length) {
      const text = `At most ${length} characters are allowed, found ${value.length} (${where}).`;
      run.add('error', 'too-long', { place }, text);
    }
  };
}

function boundOf(rules: ElementRules, kind: 'minValue' | 'maxValue'): number | undefined {
  const key = Object.keys(rules).find((one) => one.startsWith(kind)) as keyof ElementRules | undefined;
  return key && numberOf(rules[key]);
}

function numberOf(value: unknown): number | undefined {
  const number: unknown = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  return typeof number === 'number' ? number : undefined;
}
