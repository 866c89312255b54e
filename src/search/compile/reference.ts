// References and uris as token lookups: https://hl7.org/fhir/R4/search.html#reference

import type { Criterion } from '../search-query.ts';
import { belowText, valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileReference({ key, texts, below = [] }: Criterion & { kind: 'value' }): CompiledCriterion {
  const places = below.map((place) => belowText(key, place));
  return { conditions: [anyText([...texts.map((text) => valueText(key, text)), ...places])] };
}
