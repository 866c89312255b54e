// Tells whether an item belongs to a slice: https://hl7.org/fhir/R4/profiling.html#discriminator

import type { Place } from '../../fhir/fhirpath/place.ts';
import { referenceType } from '../../fhir/fhirpath/reference-type.ts';
import { typeCode } from '../../fhir/profiles/narrow.ts';
import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import { typeTree } from '../../fhir/profiles/type-tree.ts';
import type { Compilation } from './compilation.ts';
import { codedValues } from './compile-binding.ts';
import { type DiscriminatorStep, parseDiscriminator } from './discriminator-path.ts';
import { valueRule } from './match-value.ts';
import { childReader } from './read-children.ts';
import { coreType, isOfCode, rulesOf } from './rules-of.ts';
import type { Run } from './run.ts';

export type Membership = (place: Place, run: Run) => boolean;

type Discriminator = NonNullable<NonNullable<ElementRules['slicing']>['discriminator']>[number];

/** Undefined, and a problem told, where the slice does not say what the discriminator needs. */
export function compileDiscriminator(
  slice: ProfileElement,
  { type, path = '' }: Discriminator,
  id: string,
  compilation: Compilation,
): Membership | undefined {
  const steps = parseDiscriminator(path);
  if (!steps) {
    compilation.problem('error', id, `discriminator path ${path.slice(0, 100)} is none.`);
    return undefined;
  }
  let reach: Reach = { elements: [slice], select: (place, run) => [{ place, run }] };
  for (const step of steps) reach = takeStep(reach, step, compilation);
  const test = testOf(type ?? '', reach, compilation);
  if (!test) compilation.problem('error', id, `it does not say which ${path} (discriminator ${type}) makes the slice.`);
  return test;
}

/** What the slice says of the elements a path leads to, and those elements of an item. */
interface Reach {
  readonly elements: readonly ProfileElement[];
  readonly select: (place: Place, run: Run) => Reached[];
}

interface Reached {
  readonly place: Place;
  /** Another one where a reference was followed. */
  readonly run: Run;
  /** True for a reference whose target nobody has: of the place only the type is known. */
  readonly isUnresolved?: boolean;
}

function takeStep(reach: Reach, step: DiscriminatorStep, compilation: Compilation): Reach {
  if (step.kind === 'resolve') return followReference(reach, compilation);
  if (step.kind === 'ofType') {
    const isOfType = ({ place }: Reached) => place.type === step.type;
    return { elements: reach.elements, select: (place, run) => reach.select(place, run).filter(isOfType) };
  }
  const name = step.kind === 'extension' ? 'extension' : step.name;
  const rules = reach.elements.flatMap((element) => rulesOf(element, name, compilation));
  const hasUrl = (rule: ProfileElement, url: string) =>
    rulesOf(rule, 'url', compilation).some((one) => valueRule(one)?.value === url);
  const elements = step.kind === 'extension' ? rules.filter((rule) => hasUrl(rule, step.url)) : rules;
  const isWanted = ({ value }: Place) =>
    step.kind !== 'extension' || (value as { url?: unknown } | undefined)?.url === step.url;
  const read = childReader(name, compilation.definitions);
  const children = (parent: Place, run: Run) => {
    const found = read(parent).filter(isWanted);
    run.steps.spend(found.length + 1);
    return found;
  };
  return {
    elements,
    select: (place, run) =>
      reach.select(place, run).flatMap((reached) => {
        if (reached.isUnresolved) return [];
        return children(reached.place, reached.run).map((child) => ({ place: child, run: reached.run }));
      }),
  };
}

function followReference({ elements, select }: Reach, compilation: Compilation): Reach {
  const urls = elements.flatMap(({ definition }) =>
    (definition.type ?? []).flatMap((type) => type.targetProfile ?? []),
  );
  const targets = urls.flatMap((url): ProfileElement[] => {
    const core = coreType(url, compilation.definitions);
    const root = core ? typeTree(compilation.definitions, core) : compilation.profile(url)?.root;
    const type = [{ code: root?.name ?? '', ...(!core && { profile: [url] }) }];
    return root ? [{ ...root, definition: { ...root.definition, type } }] : [];
  });
  return {
    elements: targets,
    select: (place, run) =>
      select(place, run).map((reached): Reached => {
        const found = reached.run.resolve(reached.place);
        if (found) return found;
        const type = referenceType(reached.place.value);
        return { place: { ...reached.place, type }, run, isUnresolved: true };
      }),
  };
}

function testOf(type: string, reach: Reach, compilation: Compilation): Membership | undefined {
  if (type === 'exists') return existsTest(reach);
  if (type === 'type') return typeTest(reach, compilation);
  if (type === 'profile') return profileTest(reach, compilation);
  return type === 'value' || type === 'pattern' ? valueTest(reach, compilation) : undefined;
}

function someReached({ select }: Reach, test: Membership): Membership {
  return (item, of) => select(item, of).some(({ place, run, isUnresolved }) => !isUnresolved && test(place, run));
}

function existsTest(reach: Reach): Membership | undefined {
  const isPresent = someReached(reach, () => true);
  if (reach.elements.some(({ definition }) => definition.max === '0')) return (item, run) => !isPresent(item, run);
  return reach.elements.some(({ definition }) => (definition.min ?? 0) > 0) ? isPresent : undefined;
}

/** The type of an unresolved reference's target is told by its text. */
function typeTest({ elements, select }: Reach, { definitions }: Compilation): Membership | undefined {
  const codes = [...new Set(elements.flatMap(({ definition }) => (definition.type ?? []).map(typeCode)))];
  if (codes.length === 0) return undefined;
  const isOf = ({ place: { type } }: Reached) => codes.some((code) => isOfCode(type, code, definitions));
  return (item, run) => select(item, run).some(isOf);
}

function profileTest(reach: Reach, { nested }: Compilation): Membership | undefined {
  const types = reach.elements.flatMap(({ definition }) => definition.type ?? []);
  const checks = types.flatMap((type) => type.profile ?? []).map((url) => nested(url));
  const known = checks.filter((check) => check !== undefined);
  if (known.length === 0) return undefined;
  return someReached(reach, (place, run) => known.some((check) => run.conforms(check, place)));
}

function valueTest(reach: Reach, compilation: Compilation): Membership | undefined {
  const rules = reach.elements.flatMap((element) => valueRule(element) ?? []);
  if (rules.length > 0) return someReached(reach, (place, run) => rules.some((rule) => rule.matches(place, run)));
  const partial = reach.elements.find(({ children }) => children.size > 0);
  const content = partial && compilation.content(partial, bareOf(partial), partial.name);
  // R4 asks for a value, a pattern or a binding; many profiles give the values of the parts instead.
  if (content) return someReached(reach, (place, run) => run.conforms(content, place));
  const bound = reach.elements.flatMap(({ definition: { binding } }) =>
    binding?.strength === 'required' && binding.valueSet ? [binding.valueSet] : [],
  );
  if (bound.length === 0) return undefined;
  return someReached(reach, (place, { surroundings }) =>
    (codedValues(place) ?? []).some((coded) => bound.some((url) => surroundings.isMember?.(url, coded) === true)),
  );
}

/** The element as if no profile had said anything of it. */
function bareOf(element: ProfileElement): ProfileElement {
  const { type } = element.definition;
  return { ...element, definition: type ? { type } : {}, children: new Map(), slices: [] };
}
