// Makes a resource smaller for `_elements` and `_summary`: https://hl7.org/fhir/R4/search.html#elements

import type { Definitions, Property } from '../fhir/definitions.ts';
import { parseJson, serializeJson } from '../fhir/json.ts';
import type { SearchQuery } from './search-query.ts';

/** What the answer holds of a resource. */
export type Subset = Pick<SearchQuery, 'elements' | 'summary'>;

/** From a stored body to the body of the answer; undefined when it is sent as it is. */
export function createProjection(definitions: Definitions, subset: Subset): ((json: string) => string) | undefined {
  const shrink = createSubset(definitions, subset);
  if (!shrink) return undefined;
  return (json) => {
    const { value, exactNumbers } = parseJson(json);
    return serializeJson(shrink(value as ResourceObject), exactNumbers);
  };
}

export type ResourceObject = Readonly<Record<string, unknown>> & { readonly resourceType: string };

/** The same for a parsed resource, which stays as it is; nothing changes its place, so the texts of its numbers still hold. */
export function createSubset(
  definitions: Definitions,
  subset: Subset,
): ((resource: ResourceObject) => ResourceObject) | undefined {
  const keeps = keeper(subset);
  if (!keeps) return undefined;
  const isNested = subset.elements.length === 0 && subset.summary === 'true';
  return (resource) => {
    const type = resource.resourceType;
    const kept = keptMembers(definitions.properties(type), resource, (property) => keeps(property, type));
    const members = isNested ? kept.map((member) => summaryMember(definitions, type, member)) : kept;
    return { ...Object.fromEntries(members), resourceType: type, meta: subsetted(resource.meta) };
  };
}

type Keeps = (property: Property, type: string) => boolean;
type Member = readonly [name: string, value: unknown];

const always: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta']);

function keptMembers(
  properties: ReadonlyMap<string, Property>,
  object: object,
  keeps: (property: Property) => boolean,
): Member[] {
  return Object.entries(object).filter(([name]) => {
    const property = properties.get(elementName(name));
    return always.has(name) || (property !== undefined && keeps(property));
  });
}

/** Of `birthDate` and of `_birthDate`, which holds its extensions. */
function elementName(name: string): string {
  return name.startsWith('_') ? name.slice(1) : name;
}

function keeper({ elements, summary }: Subset): Keeps | undefined {
  if (elements.length > 0) {
    const named = new Set(elements);
    return ({ element }, type) => named.has(element.name) || named.has(`${type}.${element.name}`) || isNeeded(element);
  }
  if (summary === 'true') return inSummary;
  if (summary === 'text') return ({ element }) => element.name === 'text' || element.isRequired === true;
  return summary === 'data' ? ({ element }) => element.name !== 'text' : undefined;
}

function inSummary({ element }: Property): boolean {
  return element.isSummary === true || isNeeded(element);
}

/** Without these a resource would be invalid or mean something else. */
function isNeeded({ isRequired, isModifier }: Property['element']): boolean {
  return isRequired === true || isModifier === true;
}

/** A resource of a Bundle or Parameters stays itself, and an extension may change what its element means. */
const whole: ReadonlySet<string> = new Set(['Resource', 'Extension']);

/** A summary leaves out what is no summary deeper down as well, such as the data of an Attachment. */
function summaryMember(definitions: Definitions, type: string, [name, value]: Member): Member {
  const property = definitions.properties(type).get(name);
  if (!property || property.isPrimitive || name === 'meta') return [name, value];
  const shrink = (item: unknown) => summaryOf(definitions, property.type.code, item);
  return [name, Array.isArray(value) ? value.map(shrink) : shrink(value)];
}

function summaryOf(definitions: Definitions, type: string, value: unknown): unknown {
  const properties = definitions.properties(type);
  if (typeof value !== 'object' || value === null || whole.has(type)) return value;
  const kept = keptMembers(properties, value, (one) => inSummary(one) || one.element.name === 'extension');
  // FHIR has no empty objects: https://hl7.org/fhir/R4/json.html
  if (kept.length === 0) return value;
  return Object.fromEntries(kept.map((member) => summaryMember(definitions, type, member)));
}

/** https://hl7.org/fhir/R4/search.html#summary: a client must see that it cannot update with this. */
function subsetted(meta: unknown): object {
  const { tag = [], ...rest } = (meta ?? {}) as { tag?: object[] };
  const mark = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  return { ...rest, tag: [...tag, mark] };
}
