// R4's own types in the form of profile elements, which is what every profile starts from: https://hl7.org/fhir/R4/types.html

import type { Constraint, ElementDefinition, ElementType, TypeDefinition } from '../definitions/snapshot.ts';
import type { Definitions } from '../definitions.ts';
import type { ElementRules, ProfileElement } from './profile-element.ts';

const trees = new WeakMap<Definitions, Map<string, ProfileElement>>();
const structureUrl = 'http://hl7.org/fhir/StructureDefinition/';

/** The same object at every call, so that what a profile leaves alone is known by identity. Undefined for no type of R4. */
export function typeTree(definitions: Definitions, name: string): ProfileElement | undefined {
  const known = trees.get(definitions) ?? new Map<string, ProfileElement>();
  trees.set(definitions, known);
  const found = known.get(name);
  if (found) return found;
  const type = definitions.typeDefinition(name);
  if (!type) return undefined;
  const tree = toTree(definitions, type);
  known.set(name, tree);
  return tree;
}

function toTree(definitions: Definitions, type: TypeDefinition): ProfileElement {
  const children = type.elements.map((element) => toElement(definitions, type.name, element));
  const constraints = ancestry(definitions, type.name).flatMap(
    (name) => definitions.typeDefinition(name)?.constraints ?? [],
  );
  return {
    name: type.name,
    definition: { min: 0, max: '*', base: { path: type.name, min: 0, max: '*' }, ...constraintsOf(constraints) },
    children: new Map(children.map((child) => [child.name, child])),
    slices: [],
  };
}

/** The type and all it specialises, the broadest first. */
export function ancestry(definitions: Definitions, name: string): string[] {
  const names: string[] = [];
  for (let one: string | undefined = name; one !== undefined; one = definitions.typeDefinition(one)?.base)
    names.unshift(one);
  return names;
}

function toElement(definitions: Definitions, parent: string, element: ElementDefinition): ProfileElement {
  const name = element.isChoice ? `${element.name}[x]` : element.name;
  const content = contentType(definitions, element);
  const isOwn = content === `${parent}.${name}`;
  const cardinality = { min: element.isRequired ? 1 : 0, max: element.repeats ? '*' : '1' };
  const definition: ElementRules = {
    ...cardinality,
    base: { path: `${ownerOf(definitions, parent, element.name)}.${name}`, ...cardinality },
    ...(content && !isOwn && { contentReference: `#${content}` }),
    ...((!content || isOwn) && { type: element.types.map((type) => toType(definitions, type)) }),
    ...(element.binding && { binding: { ...element.binding } }),
    ...constraintsOf(element.constraints ?? (isOwn ? definitions.typeDefinition(content)?.constraints : undefined)),
    ...(element.isModifier && { isModifier: true }),
    ...(element.isSummary && { isSummary: true }),
  };
  const children = isOwn ? typeTree(definitions, content)?.children : undefined;
  return { name, definition, children: children ?? new Map(), slices: [], ...(content && { contentType: content }) };
}

function constraintsOf(constraints: readonly Constraint[] | undefined): Pick<ElementRules, 'constraint'> {
  return constraints && constraints.length > 0 ? { constraint: constraints.map((one) => ({ ...one })) } : {};
}

function contentType(definitions: Definitions, { types }: ElementDefinition): string | undefined {
  const code = types[0]?.code;
  return code !== undefined && definitions.typeDefinition(code)?.kind === 'backbone' ? code : undefined;
}

function ownerOf(definitions: Definitions, parent: string, name: string): string {
  const has = (type: string) => definitions.typeDefinition(type)?.elements.some((element) => element.name === name);
  return ancestry(definitions, parent).find(has) ?? parent;
}

function toType(
  definitions: Definitions,
  { code, targets, profile }: ElementType,
): NonNullable<ElementRules['type']>[number] {
  const type = definitions.typeDefinition(code);
  return {
    code: (type?.kind === 'backbone' ? type.base : code) ?? code,
    ...(profile && { profile: [profile] }),
    ...(targets && { targetProfile: targets.map((target) => structureUrl + target) }),
  };
}
