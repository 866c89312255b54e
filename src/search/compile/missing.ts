// Whether a resource has any value of a parameter: https://hl7.org/fhir/R4/search.html#missing

import { noSpan } from '../date-span.ts';
import { absentEnd, streamOf } from '../ordered-values.ts';
import { knownBy, presenceText } from '../presence.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import { calendarText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition } from './condition.ts';

export function compileMissing({ parameter, isMissing }: Criterion & { kind: 'missing' }): CompiledCriterion {
  const { kind, key, isUsual = false } = parameter;
  if (kind === 'id' || kind === 'lastUpdated') return { conditions: isMissing ? [anyText([])] : [] };
  switch (knownBy(parameter)) {
    case 'noSpan':
      return { conditions: [tokenOf(calendarText(key, noSpan), isMissing)] };
    case 'order':
      return { conditions: [rowOf(parameter, isMissing)] };
    case 'token':
      return { conditions: [tokenOf(presenceText(key, isUsual), isMissing === isUsual)] };
    case 'reading':
      return { conditions: [], recheck: (resource) => (parameter.read(resource).length === 0) === isMissing };
  }
}

function tokenOf(text: string, hasIt: boolean): Condition {
  const condition: Condition = anyText([text]);
  return hasIt ? condition : { kind: 'not', conditions: [condition] };
}

/** Values without an order are among the absent ones, with another high end. */
function rowOf(indexed: IndexedParameter, isMissing: boolean): Condition {
  const { parameter, unit, absentUnit } = streamOf(indexed);
  const ends = { low: absentEnd, high: absentEnd };
  if (isMissing) {
    return { kind: 'range', anyOf: [{ parameter, unit: absentUnit, tests: [{ prefix: 'eq', ...ends }] }] };
  }
  return {
    kind: 'range',
    anyOf: [
      { parameter, unit, tests: [{ prefix: 'ge', ...ends }] },
      { parameter, unit: absentUnit, tests: [{ prefix: 'gt', ...ends }] },
    ],
  };
}
