// The snapshot a StructureDefinition came with, when it is whole: https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.snapshot

import type { Definitions } from '../definitions.ts';
import type { ListedElement } from './element-list.ts';
import { typeCode } from './narrow.ts';
import type { ElementRules, ProfileElement } from './profile-element.ts';
import { typeTree } from './type-tree.ts';

/** Undefined unless it has all elements of the type's first level, none R4 does not know, and each slice's own element. */
export function givenTree(
  listed: ListedElement,
  base: ProfileElement,
  definitions: Definitions,
): ProfileElement | undefined {
  if (listed.name !== base.name) return undefined;
  for (const name of base.children.keys()) if (!listed.children.has(name)) return undefined;
  return toElement(listed, { typeName: base.name, sliceName: undefined, contentType: undefined }, definitions);
}

interface Place {
  /** The type whose elements stand below. */
  readonly typeName: string;
  readonly sliceName: string | undefined;
  readonly contentType: string | undefined;
}

function toElement(listed: ListedElement, place: Place, definitions: Definitions): ProfileElement | undefined {
  const { definition, exactNumbers } = listed;
  if (!definition) return undefined;
  const children = new Map<string, ProfileElement>();
  for (const child of listed.children.values()) {
    const known = typeTree(definitions, place.typeName)?.children.get(child.name);
    const rules = withoutSystemTypes(child.definition);
    const contentType = known?.contentType;
    const typeName = contentType ?? onlyType(rules) ?? 'Element';
    const element =
      known &&
      toElement({ ...child, definition: rules }, { typeName, contentType, sliceName: child.sliceName }, definitions);
    if (!element) return undefined;
    const whole = children.get(child.name);
    if (child.sliceName === undefined) children.set(child.name, element);
    else if (whole) children.set(child.name, withSlice(whole, element));
    else return undefined;
  }
  return {
    name: listed.name,
    definition,
    children,
    slices: [],
    ...(place.sliceName !== undefined && { sliceName: place.sliceName }),
    ...(place.contentType !== undefined && { contentType: place.contentType }),
    ...(exactNumbers && { exactNumbers }),
  };
}

function withSlice(whole: ProfileElement, slice: ProfileElement): ProfileElement {
  const index = whole.slices.findIndex(({ sliceName }) => slice.sliceName?.startsWith(`${sliceName}/`));
  const parent = whole.slices[index];
  if (parent) return { ...whole, slices: whole.slices.with(index, withSlice(parent, slice)) };
  return { ...whole, slices: [...whole.slices, slice] };
}

function onlyType(rules: ElementRules | undefined): string | undefined {
  const codes = new Set((rules?.type ?? []).map(typeCode));
  return codes.size === 1 ? [...codes][0] : undefined;
}

function withoutSystemTypes(rules: ElementRules | undefined): ElementRules | undefined {
  if (!Array.isArray(rules?.type)) return rules;
  return { ...rules, type: rules.type.map((type) => ({ ...type, code: typeCode(type) })) };
}
