// Fixed and pattern values against what a resource has: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_

import type { Place } from '../../fhir/fhirpath/place.ts';
import { valueKey } from '../../fhir/profiles/narrow.ts';
import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import { pointerOf } from './place-text.ts';
import type { Run } from './run.ts';

export interface ValueRule {
  readonly kind: 'fixed' | 'pattern';
  readonly value: unknown;
  matches(place: Place, run: Run): boolean;
}

/** Undefined for an element with neither a fixed nor a pattern value. */
export function valueRule({ definition, exactNumbers }: ProfileElement): ValueRule | undefined {
  const rules: ElementRules = definition;
  const fixed = valueKey(rules, 'fixed');
  const key = fixed ?? valueKey(rules, 'pattern');
  if (!key) return undefined;
  const value: unknown = rules[key];
  const kind = fixed ? 'fixed' : 'pattern';
  const hasNumbers = JSON.stringify(value).match(/[:[]-?\d|^-?\d/) !== null;
  const isMatch = kind === 'fixed' ? isEqual : holds;
  return {
    kind,
    value,
    matches: (place, run) => {
      run.steps.spend(1);
      const actual = hasNumbers && run.exactNumbers ? { numbers: run.exactNumbers, at: pointerOf(place) } : noNumbers;
      const expected = { numbers: exactNumbers ?? noNumbers.numbers, at: '' };
      return isMatch(place.value, value, actual, expected);
    },
  };
}

/** Where a number's own text is found: 1.0 is not 1.00. */
interface Texts {
  readonly numbers: ReadonlyMap<string, string>;
  readonly at: string;
}

type Match = (actual: unknown, expected: unknown, actualTexts: Texts, expectedTexts: Texts) => boolean;

const noNumbers: Texts = { numbers: new Map(), at: '' };

const isEqual: Match = (actual, expected, actualTexts, expectedTexts) => {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((one, i) => isEqual(actual[i], one, below(actualTexts, i), below(expectedTexts, i)))
    );
  }
  if (!isNode(expected)) return isSame(actual, expected, actualTexts, expectedTexts);
  if (!isNode(actual)) return false;
  const keys = Object.keys(expected);
  const hasSameKeys = keys.length === Object.keys(actual).length;
  return (
    hasSameKeys &&
    keys.every((key) => isEqual(actual[key], expected[key], below(actualTexts, key), below(expectedTexts, key)))
  );
};

/** Everything the pattern has must be there: of a list each item somewhere in the list. */
const holds: Match = (actual, expected, actualTexts, expectedTexts) => {
  if (Array.isArray(expected)) {
    const items: readonly unknown[] = Array.isArray(actual) ? actual : [];
    return expected.every((one, i) =>
      items.some((item, k) => holds(item, one, below(actualTexts, k), below(expectedTexts, i))),
    );
  }
  if (!isNode(expected)) return isSame(actual, expected, actualTexts, expectedTexts);
  return (
    isNode(actual) &&
    Object.keys(expected).every((key) =>
      holds(actual[key], expected[key], below(actualTexts, key), below(expectedTexts, key)),
    )
  );
};

const isSame: Match = (actual, expected, actualTexts, expectedTexts) => {
  if (typeof expected !== 'number' || typeof actual !== 'number') return actual === expected;
  return textOf(actual, actualTexts) === textOf(expected, expectedTexts);
};

function textOf(number: number, { numbers, at }: Texts): string {
  return numbers.get(at) ?? String(number);
}

function below(texts: Texts, key: string | number): Texts {
  return texts === noNumbers || texts.numbers.size === 0 ? texts : { numbers: texts.numbers, at: `${texts.at}/${key}` };
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands in a message: a profile's own value, which is nobody's data. */
export function describeRule({ kind, value }: ValueRule): string {
  const text = JSON.stringify(value);
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return kind === 'fixed' ? `exactly ${shown}` : `at least ${shown}`;
}
