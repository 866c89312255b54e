// Sorts the items of an element into slices and checks each slice: https://hl7.org/fhir/R4/profiling.html#slicing

import type { Place } from '../../fhir/fhirpath/place.ts';
import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import type { Compilation } from './compilation.ts';
import { compileDiscriminator, type Membership } from './discriminator.ts';

import type { At, PlaceCheck, Run } from './run.ts';

export type SlicesCheck = (items: readonly Place[], at: At, run: Run) => void;

export function compileSlices(
  whole: ProfileElement,
  baseline: ProfileElement,
  id: string,
  compilation: Compilation,
): SlicesCheck | undefined {
  const { slicing } = whole.definition;
  const isKnown = whole.slices === baseline.slices && sameSlicing(slicing, baseline.definition.slicing);
  if (!slicing || isKnown || (whole.slices.length === 0 && slicing.rules === 'open')) return undefined;
  const slices = whole.slices.filter(({ sliceName }) => sliceName !== '@default');
  const compiled = slices.map((slice) => compileSlice(slice, whole, sliceId(id, slice), compilation));
  // Who cannot tell the slices apart must not judge by them.
  if (compiled.some((slice) => slice === undefined)) return undefined;
  const rest = whole.slices.find(({ sliceName }) => sliceName === '@default');
  const restContent = rest && compilation.content(rest, whole, sliceId(id, rest));
  const known = compiled as CompiledSlice[];
  const order = compileOrder(slicing, `profile ${compilation.url}, element ${id}`, rest !== undefined);
  return (items, at, run) => {
    const sorted = sortItems(items, known, run);
    for (const [index, slice] of known.entries()) slice.check(sorted.bySlice[index] ?? [], at, run);
    if (restContent) for (const item of sorted.others) restContent(item, run);
    order(items, sorted, run);
  };
}

function sameSlicing(one: ElementRules['slicing'], other: ElementRules['slicing']): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function sliceId(id: string, { sliceName = '' }: ProfileElement): string {
  return id.includes(':', id.lastIndexOf('.'))
    ? `${id.slice(0, id.lastIndexOf(':'))}:${sliceName}`
    : `${id}:${sliceName}`;
}

interface CompiledSlice {
  readonly isMember: Membership;
  readonly check: SlicesCheck;
}

function compileSlice(
  slice: ProfileElement,
  whole: ProfileElement,
  id: string,
  compilation: Compilation,
): CompiledSlice | undefined {
  const discriminators = whole.definition.slicing?.discriminator ?? [];
  const tests = discriminators.map((discriminator) => compileDiscriminator(slice, discriminator, id, compilation));
  if (tests.length === 0 || tests.some((test) => test === undefined)) {
    if (tests.length === 0) compilation.problem('warning', id, 'slicing without discriminator: it is not checked.');
    return undefined;
  }
  const all = tests as Membership[];
  const content: PlaceCheck | undefined = compilation.content(slice, whole, id);
  const nested = compileSlices(slice, { ...slice, slices: [] }, id, compilation);
  const count = countCheck(slice, `slice ${slice.sliceName} of profile ${compilation.url}, element ${id}`);
  return {
    isMember: (item, run) => all.every((test) => test(item, run)),
    check: (items, at, run) => {
      count(items, at, run);
      if (content) for (const item of items) content(item, run);
      nested?.(items, at, run);
    },
  };
}

function countCheck({ definition: { min = 0, max = '*' } }: ProfileElement, where: string): SlicesCheck {
  const most = max === '*' ? Number.POSITIVE_INFINITY : Number(max);
  return (items, at, run) => {
    if (items.length < min) {
      run.add('error', 'required', at, `At least ${min} must be there, found ${items.length} (${where}).`);
    }
    const excess = items[most];
    if (excess)
      run.add(
        'error',
        'structure',
        { place: excess },
        `At most ${most} may be there, found ${items.length} (${where}).`,
      );
  };
}

interface Sorted {
  readonly bySlice: readonly Place[][];
  readonly others: readonly Place[];
  /** The slice of each item, -1 for none. */
  readonly indexes: readonly number[];
}

function sortItems(items: readonly Place[], slices: readonly CompiledSlice[], run: Run): Sorted {
  const bySlice: Place[][] = slices.map(() => []);
  const others: Place[] = [];
  const indexes = items.map((item) => {
    run.steps.spend(slices.length + 1);
    const index = slices.findIndex(({ isMember }) => isMember(item, run));
    (bySlice[index] ?? others).push(item);
    return index;
  });
  return { bySlice, others, indexes };
}

/** https://hl7.org/fhir/R4/valueset-resource-slicing-rules.html */
function compileOrder(
  { rules, ordered }: NonNullable<ElementRules['slicing']>,
  where: string,
  hasDefault: boolean,
): (items: readonly Place[], sorted: Sorted, run: Run) => void {
  return (items, { indexes }, run) => {
    let highest = -1;
    let isAfterOther = false;
    for (const [i, item] of items.entries()) {
      const index = indexes[i] ?? -1;
      if (index < 0) {
        isAfterOther = true;
        if (rules === 'closed' && !hasDefault) {
          run.add(
            'error',
            'structure',
            { place: item },
            `This is in none of the slices, and no others are allowed (${where}).`,
          );
        }
        continue;
      }
      if (rules === 'openAtEnd' && isAfterOther) {
        run.add('error', 'structure', { place: item }, `What is in no slice must come after all slices (${where}).`);
      }
      if (ordered && index < highest) {
        run.add('error', 'structure', { place: item }, `The slices must come in the order of the profile (${where}).`);
      }
      highest = Math.max(highest, index);
    }
  };
}
