// Composites: combinations of codes as tokens, and numbers under the code beside them: https://hl7.org/fhir/R4/search.html#composite

import type { CompositeElement } from '../composite.ts';
import { ambiguousCode, formsOf, keyedUnit, pairText, type ValueForms } from '../composite-texts.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { EntryCollector } from './entry-collector.ts';
import { quantityRanges } from './quantity.ts';

/** Of one element; more combinations of codes for one thing are not stored. */
const combinationsMax = 400;

export function extractComposite(resource: object, parameter: IndexedParameter, entries: EntryCollector): void {
  const { composite, read, storedIn } = parameter;
  if (!composite || storedIn || composite.storage === 'apart') return;
  const elements = read(resource).flatMap((element): CompositeElement[] =>
    typeof element === 'object' && element !== null ? [{ element, resource }] : [],
  );
  if (composite.storage === 'pairs') for (const element of elements) extractPairs(element, parameter, entries);
  else extractKeyed(elements, parameter, entries);
}

function extractPairs(element: CompositeElement, { key, composite }: IndexedParameter, entries: EntryCollector): void {
  let combinations: ValueForms[][] = [[]];
  for (const { parameter } of composite?.components ?? []) {
    const forms = formsWithin(element, parameter);
    combinations = combinations.flatMap((combination) => forms.map((form) => [...combination, form]));
    combinations.length = Math.min(combinations.length, combinationsMax);
  }
  for (const combination of combinations) {
    entries.token(
      pairText(
        key,
        combination.map(({ plain }) => plain),
      ),
    );
    entries.token(
      pairText(
        key,
        combination.map(({ full }) => full),
      ),
    );
  }
}

/**
 * Under the code alone: whether its system is the one asked for is told by the tokens of the code, unless the resource has the
 * same code in several systems.
 */
function extractKeyed(
  elements: readonly CompositeElement[],
  { code, composite }: IndexedParameter,
  entries: EntryCollector,
): void {
  const [first, second] = composite?.components ?? [];
  if (!first || !second) return;
  const rangesOf = elements.map((element) => second.parameter.read(element).flatMap(quantityRanges));
  if (rangesOf.every((ranges) => ranges.length === 0)) return;
  // An element without a number has a say too in whether its code is in several systems.
  const found = elements.map((element, index) => ({
    forms: formsWithin(element, first.parameter),
    ranges: rangesOf[index] ?? [],
  }));
  const fullForms = new Map<string, Set<string>>();
  for (const { plain, full } of found.flatMap((one) => one.forms)) {
    fullForms.set(plain, (fullForms.get(plain) ?? new Set()).add(full));
  }
  for (const { forms, ranges } of found) {
    for (const key of new Set(forms.flatMap((form) => keysOf(form, fullForms)))) {
      for (const { unit, low, high } of ranges) entries.range(code, keyedUnit(key, unit), low, high);
    }
  }
}

function keysOf({ plain, full }: ValueForms, fullForms: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return (fullForms.get(plain)?.size ?? 0) > 1 ? [ambiguousCode(plain), full] : [plain];
}

function formsWithin(element: CompositeElement, parameter: IndexedParameter): ValueForms[] {
  return parameter.read(element).flatMap((value) => formsOf(value, parameter));
}
