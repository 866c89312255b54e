// Lays a differential over the tree of its base, opening types and slices where it goes into them: https://hl7.org/fhir/R4/profiling.html#snapshot

import type { Definitions } from '../definitions.ts';
import type { ListedElement } from './element-list.ts';
import { maxOf, narrowRules, typeCode } from './narrow.ts';
import type { ElementRules, Profile, ProfileElement } from './profile-element.ts';
import { typeTree } from './type-tree.ts';

export interface MergeContext {
  readonly definitions: Definitions;
  readonly profile: (canonical: string) => Profile | undefined;
  readonly typeOf: (canonical: string) => string | undefined;
  /** Told of what a profile must not do, with the id of the element. */
  readonly report: (elementId: string, text: string) => void;
}

/** Each is looked for among the others. */
const slicesMax = 1_000;

export function mergeElement(base: ProfileElement, listed: ListedElement, context: MergeContext): ProfileElement {
  return merge(base, listed, false, context);
}

function merge(
  base: ProfileElement,
  listed: ListedElement,
  isNewSlice: boolean,
  context: MergeContext,
): ProfileElement {
  const { definitions, typeOf } = context;
  const report = (text: string) => context.report(listed.id, text);
  const change = listed.definition ?? {};
  const element = {
    ...base,
    definition: narrowRules(base.definition, change, { definitions, isNewSlice, typeOf, report }),
    ...(listed.exactNumbers && { exactNumbers: listed.exactNumbers }),
  };
  if (listed.children.size === 0) return element;
  const opened = openElement(element, context);
  const children = new Map(opened.children);
  for (const child of listed.children.values()) placeChild(children, child, listed.id, context);
  for (const [name, child] of children) {
    const before = opened.children.get(name);
    if (!before || before === child) continue;
    checkSlices(child, listed.id, context);
    children.set(name, narrowChoice(before, child, listed));
  }
  return { ...opened, children };
}

/** The element with the children of its type, when it has none yet. */
export function openElement(element: ProfileElement, context: MergeContext): ProfileElement {
  if (element.children.size > 0) return element;
  const { definitions } = context;
  const { contentType, definition } = element;
  if (contentType !== undefined) {
    const { contentReference: _, ...rules } = definition;
    const type = rules.type ?? [{ code: definitions.typeDefinition(contentType)?.base ?? 'BackboneElement' }];
    return {
      ...element,
      definition: { ...rules, type },
      children: typeTree(definitions, contentType)?.children ?? new Map(),
    };
  }
  return { ...element, children: childrenOfTypes(definition, context) };
}

function childrenOfTypes(
  { type: types = [] }: ElementRules,
  { definitions, profile }: MergeContext,
): ProfileElement['children'] {
  const codes = new Set(types.map(typeCode));
  const [code = 'Element'] = codes;
  const profiles = types.flatMap((type) => type.profile ?? []);
  const only = profiles.length === 1 && profiles[0] !== undefined ? profile(profiles[0]) : undefined;
  const tree = codes.size === 1 ? (only?.root ?? typeTree(definitions, code)) : typeTree(definitions, 'Element');
  return tree?.children ?? new Map();
}

function placeChild(
  children: Map<string, ProfileElement>,
  listed: ListedElement,
  parentId: string,
  context: MergeContext,
): void {
  const exact = children.get(listed.name);
  if (exact && (listed.sliceName === undefined || isOnlyNamed(exact))) {
    children.set(listed.name, merge(exact, listed, false, context));
  } else if (exact) children.set(exact.name, placeSlice(exact, listed, listed.sliceName ?? '', context));
  else {
    const choice = choiceOf(children, listed.name);
    if (choice) children.set(choice.element.name, placeChoice(choice, listed, context));
    else context.report(listed.id, `${parentId} has no element ${listed.name}.`);
  }
}

/** What cannot repeat needs no slices: some of R4's own profiles give such an element a slice name all the same. */
function isOnlyNamed({ name, definition }: ProfileElement): boolean {
  return !definition.slicing && maxOf(definition) <= 1 && !name.endsWith('[x]');
}

function placeChoice({ element, type }: Choice, listed: ListedElement, context: MergeContext): ProfileElement {
  const definition = { ...listed.definition, type: listed.definition?.type ?? [{ code: type }] };
  return placeSlice(element, { ...listed, definition }, listed.sliceName ?? listed.name, context);
}

/** Where only `valueQuantity` and the like are listed, `value[x]` can be nothing else, as R4's own snapshots have it. */
function narrowChoice(base: ProfileElement, merged: ProfileElement, listed: ListedElement): ProfileElement {
  const isTold = base.slices.length > 0 || listed.children.has(base.name) || !base.name.endsWith('[x]');
  if (isTold || merged.slices.some(({ sliceName }) => !listed.children.has(sliceName ?? ''))) return merged;
  const codes = new Set(merged.slices.flatMap(({ definition }) => definition.type?.map(typeCode) ?? []));
  const type = (merged.definition.type ?? []).filter((one) => codes.has(typeCode(one)));
  const slicing = { ...merged.definition.slicing, rules: 'closed' as const };
  return { ...merged, definition: { ...merged.definition, type, slicing } };
}

/** `valueQuantity` says something of `value[x]` where that is a Quantity: https://hl7.org/fhir/R4/profiling.html#slicing */
function choiceOf(children: ReadonlyMap<string, ProfileElement>, name: string): Choice | undefined {
  for (const element of children.values()) {
    if (!element.name.endsWith('[x]')) continue;
    const stem = element.name.slice(0, -'[x]'.length);
    if (!name.startsWith(stem)) continue;
    const type = element.definition.type
      ?.map(typeCode)
      .find((code) => code.toLowerCase() === name.slice(stem.length).toLowerCase());
    if (type !== undefined) return { element, type };
  }
  return undefined;
}

interface Choice {
  readonly element: ProfileElement;
  readonly type: string;
}

/** Constrains the slice or makes it; `a/b` is a slice of slice `a`: https://hl7.org/fhir/R4/profiling.html#reslicing */
function placeSlice(
  whole: ProfileElement,
  listed: ListedElement,
  sliceName: string,
  context: MergeContext,
): ProfileElement {
  const index = whole.slices.findIndex(
    (slice) => slice.sliceName === sliceName || sliceName.startsWith(`${slice.sliceName}/`),
  );
  const found = whole.slices[index];
  if (found) {
    const isItself = found.sliceName === sliceName;
    const slice = isItself ? merge(found, listed, false, context) : placeSlice(found, listed, sliceName, context);
    return { ...whole, slices: whole.slices.with(index, slice) };
  }
  if (whole.slices.length >= slicesMax) {
    context.report(listed.id, `its element has more than ${slicesMax} slices.`);
    return whole;
  }
  const slicing = whole.definition.slicing ?? implicitSlicing(whole.name);
  if (!slicing) context.report(listed.id, 'its element is not sliced: slicing must say how slices are told apart.');
  const { slicing: _, min: _min, ...rules } = whole.definition;
  const template: ProfileElement = { ...whole, definition: rules, sliceName, slices: [] };
  const slice = merge(template, listed, true, context);
  const definition = slicing ? { ...whole.definition, slicing } : whole.definition;
  return { ...whole, definition, slices: [...whole.slices, slice] };
}

/** Extensions are told apart by url, choices by type, without being asked: https://hl7.org/fhir/R4/profiling.html#slicing */
function implicitSlicing(name: string): ElementRules['slicing'] {
  if (name === 'extension' || name === 'modifierExtension') {
    return { discriminator: [{ type: 'value', path: 'url' }], ordered: false, rules: 'open' };
  }
  if (name.endsWith('[x]')) return { discriminator: [{ type: 'type', path: '$this' }], ordered: false, rules: 'open' };
  return undefined;
}

function checkSlices({ slices, definition, name }: ProfileElement, parentId: string, { report }: MergeContext): void {
  const least = slices.reduce((sum, slice) => sum + (slice.definition.min ?? 0), 0);
  if (least > maxOf(definition))
    report(`${parentId}.${name}`, `its slices need ${least} together, its max is ${definition.max}.`);
}
