// Turns the rules a profile adds to an element into closures over its places: https://hl7.org/fhir/R4/elementdefinition.html

import { maxOf, typeCode } from '../../fhir/profiles/narrow.ts';
import { type ElementRules, type ProfileElement, stepOf } from '../../fhir/profiles/profile-element.ts';
import { typeTree } from '../../fhir/profiles/type-tree.ts';
import { type Compilation, contentTypeOf } from './compilation.ts';
import { compileBinding } from './compile-binding.ts';
import { compileBounds } from './compile-bounds.ts';
import { compileInvariants } from './compile-invariants.ts';
import { compileSlices } from './compile-slices.ts';
import { compileTypes } from './compile-types.ts';
import { compileValue } from './compile-value.ts';
import { childReader } from './read-children.ts';
import type { At, PlaceCheck, Run } from './run.ts';

/** What the element asks beyond `baseline`, which is checked elsewhere; undefined when that is nothing. */
export function compileContent(
  element: ProfileElement,
  baseline: ProfileElement,
  id: string,
  compilation: Compilation,
): PlaceCheck | undefined {
  if (element === baseline) return undefined;
  const where = `profile ${compilation.url}, element ${id}`;
  return together([
    compileTypes(element, baseline, { id, where }, compilation),
    compileValue(element, baseline, where),
    compileBounds(element.definition, baseline.definition, where),
    compileBinding(element.definition, baseline.definition, where),
    compileInvariants(element, baseline, { id, where }, compilation),
    compileChildren(element, baseline, id, compilation),
  ]);
}

function together(checks: readonly (PlaceCheck | undefined)[]): PlaceCheck | undefined {
  const known = checks.filter((check) => check !== undefined);
  if (known.length <= 1) return known[0];
  return (place, run) => {
    for (const check of known) check(place, run);
  };
}

function compileChildren(
  element: ProfileElement,
  baseline: ProfileElement,
  id: string,
  compilation: Compilation,
): PlaceCheck | undefined {
  const known = baselineChildren(element, baseline, compilation);
  const checks: (PlaceCheck | undefined)[] = [];
  for (const child of element.children.values()) {
    const before = known.get(child.name);
    const childId = `${id}.${stepOf(child)}`;
    if (!before) compilation.problem('error', childId, 'R4 has no such element.');
    else if (child !== before) checks.push(compileChild(child, before, childId, compilation));
  }
  return together(checks);
}

/** What is checked without this profile: by the profile of its type, or by R4 itself. */
function baselineChildren(
  element: ProfileElement,
  baseline: ProfileElement,
  { definitions, profile }: Compilation,
): ProfileElement['children'] {
  if (baseline.children.size > 0) return baseline.children;
  const types = element.definition.type ?? [];
  const [url, ...others] = types.flatMap((type) => type.profile ?? []);
  const only = url !== undefined && others.length === 0 ? profile(url) : undefined;
  const tree = only?.root ?? typeTree(definitions, contentTypeOf(element, types.map(typeCode)));
  return tree?.children ?? new Map();
}

function compileChild(
  child: ProfileElement,
  baseline: ProfileElement,
  id: string,
  compilation: Compilation,
): PlaceCheck | undefined {
  const name = child.name.replace('[x]', '');
  const count = compileCount(child.definition, baseline.definition, `profile ${compilation.url}, element ${id}`);
  const content = compilation.content(child, baseline, id);
  const slices = compileSlices(child, baseline, id, compilation);
  if (!count && !content && !slices) return undefined;
  const read = childReader(name, compilation.definitions);
  return (parent, run) => {
    const places = read(parent);
    run.steps.spend(places.length + 1);
    const at = { place: parent, child: name };
    count?.(places.length, at, run);
    if (content) for (const place of places) content(place, run);
    slices?.(places, at, run);
  };
}

type CountCheck = (count: number, at: At, run: Run) => void;

/** What the baseline asks as well is left out. */
function compileCount(rules: ElementRules, baseline: ElementRules, where: string): CountCheck | undefined {
  const min = (rules.min ?? 0) > (baseline.min ?? 0) ? (rules.min ?? 0) : 0;
  const max = maxOf(rules) < maxOf(baseline) ? maxOf(rules) : Number.POSITIVE_INFINITY;
  if (min === 0 && max === Number.POSITIVE_INFINITY) return undefined;
  return (count, at, run) => {
    if (count < min) run.add('error', 'required', at, `At least ${min} must be there, found ${count} (${where}).`);
    if (count <= max) return;
    const most = max === 0 ? 'Nothing may be here' : `At most ${max} may be there`;
    run.add('error', 'structure', at, `${most}, found ${count} (${where}).`);
  };
}
