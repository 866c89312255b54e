// Makes a resource smaller for `_elements` and `_summary`: https://hl7.org/fhir/R4/search.html#elements

import type { Definitions, Property } from '../fhir/definitions.ts';
import { parseJson, serializeJson } from '../fhir/json.ts';
import type { SearchQuery } from './search-query.ts';

/** From a stored body to the body of the answer; undefined when it is sent as it is. */
export function createProjection(
  definitions: Definitions,
  { elements, summary }: SearchQuery,
): ((json: string) => string) | undefined {
  const keeps = keeper(elements, summary);
  if (!keeps) return undefined;
  return (json) => {
    const { value, exactNumbers } = parseJson(json);
    const resource = value as Record<string, unknown> & { resourceType: string };
    const properties = definitions.properties(resource.resourceType);
    const kept = Object.entries(resource).filter(([key]) => {
      const property = properties.get(key.startsWith('_') ? key.slice(1) : key);
      return always.has(key) || (property !== undefined && keeps(property));
    });
    return serializeJson({ ...Object.fromEntries(kept), meta: subsetted(resource.meta) }, exactNumbers);
  };
}

const always: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta']);

function keeper(
  elements: readonly string[],
  summary: SearchQuery['summary'],
): ((property: Property) => boolean) | undefined {
  if (elements.length > 0) {
    const named = new Set(elements);
    return ({ element }) => named.has(element.name) || isNeeded(element);
  }
  if (summary === 'true') return ({ element }) => element.isSummary === true || isNeeded(element);
  if (summary === 'text') return ({ element }) => element.name === 'text' || element.isRequired === true;
  return summary === 'data' ? ({ element }) => element.name !== 'text' : undefined;
}

/** Without these a resource would be invalid or mean something else. */
function isNeeded({ isRequired, isModifier }: Property['element']): boolean {
  return isRequired === true || isModifier === true;
}

/** https://hl7.org/fhir/R4/search.html#summary: a client must see that it cannot update with this. */
function subsetted(meta: unknown): object {
  const { tag = [], ...rest } = (meta ?? {}) as { tag?: object[] };
  const mark = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  return { ...rest, tag: [...tag, mark] };
}
