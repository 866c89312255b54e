// Values in one order for all units, and plain codes, so that a sort can walk an index; and which resources have none of them:
// https://hl7.org/fhir/R4/search.html#sort

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../../fhir/definitions.ts';
import { formsOf } from '../composite-texts.ts';
import { absentEnd, codeBeside, streamOf, unorderedEnd } from '../ordered-values.ts';
import { type IndexedParameter, indexedParameters } from '../search-parameters.ts';
import type { EntryCollector } from './entry-collector.ts';
import { quantityRanges } from './quantity.ts';

/** All values of a parameter for which `hasOrder` holds. */
export function extractOrder(
  values: readonly unknown[],
  parameter: IndexedParameter,
  { resource, definitions }: { readonly resource: Resource; readonly definitions: Definitions },
  entries: EntryCollector,
): void {
  const ends = values.flatMap((value) => endsOf(value, parameter, definitions));
  for (const codeText of [undefined, ...codeTexts(parameter, resource, definitions)]) {
    const { parameter: code, unit, absentUnit } = streamOf(parameter, codeText);
    for (const { low, high } of ends) entries.range(code, unit, low, high);
    if (ends.length === 0) entries.range(code, absentUnit, absentEnd, values.length === 0 ? absentEnd : unorderedEnd);
  }
}

interface Ends {
  readonly low: string;
  readonly high: string;
}

function endsOf(value: unknown, parameter: IndexedParameter, definitions: Definitions): Ends[] {
  if (parameter.kind === 'token') return isPlain(value, parameter, definitions) ? [{ low: value, high: value }] : [];
  const ranges = quantityRanges(value);
  const counted = parameter.kind === 'number' ? ranges[0] : ranges.at(-1);
  return counted ? [counted] : [];
}

/** What is no code of the binding, and so anything at all, is never stored readable. */
function isPlain(value: unknown, { elements }: IndexedParameter, definitions: Definitions): value is string {
  if (typeof value !== 'string' || !elements || elements.length === 0) return false;
  return elements.every(({ type, binding }) => {
    return type === 'code' && binding && definitions.valueSet(binding.valueSet)?.codes.has(value);
  });
}

function codeTexts({ key }: IndexedParameter, resource: Resource, definitions: Definitions): Iterable<string> {
  const code = codeBeside.get(key);
  const parameter = code && indexedParameters(definitions, resource.resourceType).get(code);
  if (!parameter) return [];
  return new Set(parameter.read(resource).flatMap((value) => formsOf(value, parameter).map(({ plain }) => plain)));
}
