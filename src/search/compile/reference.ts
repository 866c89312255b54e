// References and uris as token lookups: https://hl7.org/fhir/R4/search.html#reference

import type { Criterion } from '../search-query.ts';
import { valueText } from '../token-text.ts';
import { anyText, type CompiledCriterion } from './condition.ts';

export function compileReference({ key, texts }: Criterion & { kind: 'value' }): CompiledCriterion {
  return { conditions: [anyText(texts.map((text) => valueText(key, text)))] };
}
