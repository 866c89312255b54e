// `_summary` and `_elements` of an interaction other than search, which reads them itself: https://hl7.org/fhir/R4/http.html#parameters

import { fhirError } from '../fhir/outcome.ts';
import type { Subset } from '../search/project.ts';
import type { FhirRoute } from './route.ts';

/** The interactions that answer with the resource itself. */
const ofResource: ReadonlySet<FhirRoute['code']> = new Set(['read', 'vread', 'create', 'update', 'patch']);
/** Those whose answer may be a Bundle around resources. */
const ofResources: ReadonlySet<FhirRoute['code']> = new Set([
  ...(['history-instance', 'history-type', 'history-system', 'operation'] as const),
]);

const elementsMax = 100;

export interface AnswerSubset extends Subset {
  /** The resources in a history or searchset are meant, not the Bundle. */
  readonly isOfEntries: boolean;
}

/** Undefined when resources are answered whole. */
export function answerSubset(code: FhirRoute['code'], query: URLSearchParams): AnswerSubset | undefined {
  if (query.size === 0 || !(ofResource.has(code) || ofResources.has(code))) return undefined;
  const elements = elementsOf(query.get('_elements'));
  const summary = summaryOf(query.get('_summary'));
  if (elements.length === 0 && summary === 'false') return undefined;
  return { elements, summary, isOfEntries: ofResources.has(code) };
}

function elementsOf(text: string | null): readonly string[] {
  if (text === null) return [];
  const names = text.split(',');
  if (names.length <= elementsMax && names.every((name) => /^[a-z][\w.]{0,199}$/i.test(name))) return names;
  throw fhirError('value', `_elements is a list of at most ${elementsMax} names of elements.`, { status: 400 });
}

function summaryOf(text: string | null): Subset['summary'] {
  if (text === null) return 'false';
  if (text === 'true' || text === 'text' || text === 'data' || text === 'false') return text;
  const advice = text === 'count' ? '_summary=count is for searches; here' : '_summary';
  throw fhirError('value', `${advice} is one of true, text, data, false.`, { status: 400 });
}
