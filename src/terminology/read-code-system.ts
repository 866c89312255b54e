// From a CodeSystem resource to what the tables hold of it: https://hl7.org/fhir/R4/codesystem.html

import type { CodeSystem, CodeSystemConcept, CodeSystemConceptProperty } from '@medplum/fhirtypes';
import type { PropertyValue, SourceConcept, SourceSystem } from './source-system.ts';

/** Undefined for one that tells no concepts, has no url to be named by, or no word about how many of its concepts they are. */
export function readCodeSystem(resource: CodeSystem): SourceSystem | undefined {
  const { url, content, concept = [] } = resource;
  if (url === undefined || content === undefined || content === 'not-present' || concept.length === 0) return undefined;
  return {
    url,
    version: resource.version ?? '',
    title: resource.title ?? resource.name ?? url,
    content: content as SourceSystem['content'],
    // Without a word about it the hierarchy is taken for what R4's own code systems mean by it.
    subsumes: (resource.hierarchyMeaning ?? 'is-a') === 'is-a',
    caseSensitive: resource.caseSensitive ?? true,
    valueSet: resource.valueSet,
    supplements: resource.supplements,
    properties: (resource.property ?? []).flatMap(({ code, description }) =>
      code === undefined ? [] : [{ code, ...(description !== undefined && { description }) }],
    ),
    concepts: flatten(concept, linkCodes(resource)),
  };
}

/** How many concepts a resource lists, counted without recursion. */
export function countConcepts(resource: CodeSystem): number {
  let count = 0;
  for (const _ of conceptsIn(resource)) count++;
  return count;
}

/** Of concepts and of their properties. */
export function* codesOf(resource: CodeSystem): Generator<string | undefined> {
  for (const { code, property = [] } of conceptsIn(resource)) {
    yield code;
    for (const one of property) yield one.code;
  }
}

function* conceptsIn({ concept = [] }: CodeSystem): Generator<CodeSystemConcept> {
  const waiting = [...concept];
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    yield one;
    for (const inner of one.concept ?? []) waiting.push(inner);
  }
}

interface LinkCodes {
  readonly parent: ReadonlySet<string>;
  readonly child: ReadonlySet<string>;
}

/** Properties that make a hierarchy: https://hl7.org/fhir/R4/codesystem.html#defined-props */
function linkCodes({ property = [] }: CodeSystem): LinkCodes {
  const declared = (name: string) =>
    property
      .filter(({ uri }) => uri === `http://hl7.org/fhir/concept-properties#${name}`)
      .map(({ code }) => code ?? '');
  return {
    parent: new Set(['parent', 'subsumedBy', ...declared('parent')]),
    child: new Set(['child', ...declared('child')]),
  };
}

/** In the order they are listed; one that stands at several places is one concept with several parents. */
function flatten(concepts: readonly CodeSystemConcept[], links: LinkCodes): SourceConcept[] {
  const found = new Map<string, { concept: CodeSystemConcept; parents: string[] }>();
  const children: (readonly [parent: string, child: string])[] = [];
  const walk: { readonly concept: CodeSystemConcept; readonly parent?: string }[] = concepts.map((concept) => ({
    concept,
  }));
  walk.reverse();
  for (let next = walk.pop(); next; next = walk.pop()) {
    const { concept, parent } = next;
    const code = concept.code ?? '';
    const known = found.get(code) ?? { concept, parents: [] };
    found.set(code, known);
    if (parent !== undefined) known.parents.push(parent);
    for (const { code: name = '', valueCode } of concept.property ?? []) {
      if (valueCode === undefined) continue;
      if (links.parent.has(name)) known.parents.push(valueCode);
      if (links.child.has(name)) children.push([code, valueCode]);
    }
    for (const inner of (concept.concept ?? []).toReversed()) walk.push({ concept: inner, parent: code });
  }
  for (const [parent, child] of children) found.get(child)?.parents.push(parent);
  return [...found.values()].map(({ concept, parents }) => sourceConcept(concept, parents, links));
}

function sourceConcept(concept: CodeSystemConcept, parents: readonly string[], links: LinkCodes): SourceConcept {
  const { code = '', display, definition, designation = [], property = [] } = concept;
  const isTrue = (...names: string[]) =>
    property.some((one) => names.includes(one.code ?? '') && one.valueBoolean === true);
  const properties = property
    .filter((one) => !links.parent.has(one.code ?? '') && !links.child.has(one.code ?? ''))
    .flatMap(propertyValue);
  return {
    code,
    display,
    definition,
    parents: [...new Set(parents)],
    inactive: isTrue('inactive') || properties.some((one) => one.code === 'status' && isRetired.has(String(one.value))),
    abstract: isTrue('notSelectable', 'abstract'),
    ...(properties.length > 0 && { properties }),
    ...(designation.length > 0 && {
      designations: designation.map(({ language, use, value }) => ({ language, use, value: value ?? '' })),
    }),
  };
}

/** https://hl7.org/fhir/R4/codesystem-concept-properties.html, inactive */
const isRetired: ReadonlySet<string> = new Set(['retired', 'inactive']);

const types = ['code', 'Coding', 'string', 'integer', 'boolean', 'dateTime', 'decimal'] as const;

function propertyValue(property: CodeSystemConceptProperty): PropertyValue[] {
  for (const type of types) {
    const value = property[`value${type.charAt(0).toUpperCase()}${type.slice(1)}` as keyof CodeSystemConceptProperty];
    if (value !== undefined) return [{ code: property.code ?? '', type, value }];
  }
  return [];
}
