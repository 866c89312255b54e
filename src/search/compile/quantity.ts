// Numbers and quantities as conditions on stored ranges: https://hl7.org/fhir/R4/search.html#quantity

import type { Resource } from '@medplum/fhirtypes';
import { anyUnit, quantityRanges, spellingsOf } from '../extract/quantity.ts';
import { passesNumber } from '../number-range.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { QuantityValue } from '../search-query.ts';
import { unitText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition, type Recheck } from './condition.ts';

/** So many criteria on one value become one stretch of the index; each may double what is looked up. */
const togetherMax = 3;

/**
 * All criteria of one parameter together, so that `ge` and `lt` can make a stretch between them where there is one value.
 * Different values of a repeating element may satisfy different criteria.
 */
export function compileQuantities(
  parameter: IndexedParameter,
  criteria: readonly (readonly QuantityValue[])[],
): CompiledCriterion {
  const single = isSingle(parameter);
  const mergeable = single ? criteria.filter(isPlain).slice(0, togetherMax) : [];
  const merged = mergeable.length > 1 && new Set(mergeable.map(([value]) => value?.unit)).size === 1 ? mergeable : [];
  const apart = criteria.filter((values) => !merged.includes(values)).map((values) => compileAny(parameter, values));
  const conditions = apart.flat();
  if (merged.length > 0) conditions.push(rangeOf(parameter, merged.flat()));
  const spelled = criteria.filter((values) => values.some(({ spelling }) => spelling !== undefined));
  return { conditions, ...(!single && spelled.length > 0 && { recheck: recheckSpelled(parameter, spelled) }) };
}

export function isSingle({ elements }: IndexedParameter): boolean {
  return elements?.every(({ repeats }) => !repeats) ?? false;
}

function storedIn(parameter: IndexedParameter): readonly IndexedParameter[] {
  return parameter.storedIn?.() ?? [parameter];
}

function isPlain(values: readonly QuantityValue[]): boolean {
  return values.length === 1 && values[0]?.spelling === undefined;
}

function compileAny(parameter: IndexedParameter, values: readonly QuantityValue[]): Condition[] {
  const plain = values.filter(({ spelling }) => spelling === undefined);
  if (plain.length === values.length) return [anyRange(parameter, plain)];
  const lists = values.map((value) =>
    value.spelling === undefined ? [anyRange(parameter, [value])] : spelled(parameter, value),
  );
  return lists.length === 1 ? (lists[0] ?? []) : [{ kind: 'any', anyOf: lists }];
}

function anyRange(parameter: IndexedParameter, values: readonly QuantityValue[]): Condition {
  const parameters = storedIn(parameter);
  return {
    kind: 'range',
    anyOf: values.flatMap(({ unit, ...test }) =>
      parameters.map(({ code }) => ({ parameter: code, unit, tests: [test] })),
    ),
  };
}

/** One value that passes all. */
function rangeOf(parameter: IndexedParameter, values: readonly QuantityValue[]): Condition {
  const unit = values[0]?.unit ?? anyUnit;
  return { kind: 'range', anyOf: storedIn(parameter).map(({ code }) => ({ parameter: code, unit, tests: values })) };
}

/** The number whatever its unit, and the unit as it is spelled. */
function spelled(parameter: IndexedParameter, { spelling = '', ...value }: QuantityValue): Condition[] {
  const texts = storedIn(parameter).map(({ key }) => unitText(key, spelling));
  return [anyRange(parameter, [value]), { ...anyText(texts), isWide: true }];
}

/** Of several quantities one may have the number and another the unit. */
function recheckSpelled(parameter: IndexedParameter, criteria: readonly (readonly QuantityValue[])[]): Recheck {
  return (resource: Resource) => {
    const quantities = parameter.read(resource);
    return criteria.every((values) =>
      values.some((value) => quantities.some((quantity) => matchesQuantity(quantity, value))),
    );
  };
}

export function matchesQuantity(quantity: unknown, { spelling, unit, ...test }: QuantityValue): boolean {
  if (spelling !== undefined && !spellingsOf(quantity).has(spelling)) return false;
  return quantityRanges(quantity).some((range) => range.unit === unit && passesNumber(test, range));
}
