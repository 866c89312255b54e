// Whether a resource has any value of a parameter: https://hl7.org/fhir/R4/search.html#missing

import { noSpan } from '../date-span.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import { calendarText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition } from './condition.ts';

/** Every value of these is stored, so that the token of its absence says the same. */
const spans: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant', 'Period']);

/**
 * Dates store that there is none. A token for each parameter that has a value would double those of an Observation, so all
 * others are decided on the resource.
 */
export function compileMissing({ parameter, isMissing }: Criterion & { kind: 'missing' }): CompiledCriterion {
  if (parameter.kind === 'id' || parameter.kind === 'lastUpdated')
    return { conditions: isMissing ? [anyText([])] : [] };
  if (storesAbsence(parameter)) {
    const none: Condition = anyText([calendarText(parameter.key, noSpan)]);
    return { conditions: [isMissing ? none : { kind: 'not', conditions: [none] }] };
  }
  return { conditions: [], recheck: (resource) => (parameter.read(resource).length === 0) === isMissing };
}

function storesAbsence({ kind, elements }: IndexedParameter): boolean {
  return kind === 'date' && elements !== undefined && elements.every(({ type }) => spans.has(type));
}
