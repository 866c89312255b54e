// Numbers the concepts of a hierarchy so that what is below one is a span of numbers, or few: its transitive closure: https://hl7.org/fhir/R4/codesystem.html#hierarchy

import { fhirError } from '../fhir/outcome.ts';

export interface Numbering {
  /** The position in the list that has each number. */
  readonly order: readonly number[];
  /** By number: the numbers of the concept itself and of all below it, as (low, high), (low, high), ... ascending. */
  readonly below: readonly (readonly number[])[];
}

const none = -1;
/** On average. A hierarchy of parents at random would fill the memory. */
const spansPerConceptMax = 20;

/**
 * `parents` are positions in the same list; several of one concept are possible. Depth first along the first parents, so a
 * tree needs one span a concept; what comes in by other parents are spans of their own, joined where they meet. (Agrawal,
 * Borgida and Jagadish 1989.) Of SNOMED CT's 5.5 million pairs that leaves about one and a half spans a concept.
 */
export function numberConcepts(parents: readonly (readonly number[])[]): Numbering {
  const children = childrenOf(parents);
  const { order, numbers, last } = walkDepthFirst(parents);
  const upward = bottomUp(parents, children);
  if (upward.length < parents.length) throw circle();
  const below: (readonly number[])[] = new Array(parents.length);
  let spansLeft = spansPerConceptMax * Math.max(parents.length, 1_000);
  for (const position of upward) {
    const own = [numbers[position] as number, last[position] as number];
    const further: number[][] = [];
    for (const child of children[position] as number[]) {
      const spans = below[numbers[child] as number] as readonly number[];
      for (let at = 0; at < spans.length; at += 2) {
        const [low, high] = [spans[at] as number, spans[at + 1] as number];
        if (low < (own[0] as number) || high > (own[1] as number)) further.push([low, high]);
      }
    }
    const spans = further.length === 0 ? own : joined([own, ...further]);
    below[own[0] as number] = spans;
    spansLeft -= spans.length / 2;
    if (spansLeft < 0) throw tangled();
  }
  return { order, below };
}

function childrenOf(parents: readonly (readonly number[])[]): number[][] {
  const children: number[][] = parents.map(() => []);
  for (const [child, above] of parents.entries()) for (const parent of above) children[parent]?.push(child);
  return children;
}

/** Along the first parents, without recursion: a code system may be deeper than the stack. */
function walkDepthFirst(parents: readonly (readonly number[])[]) {
  const tree: number[][] = parents.map(() => []);
  const roots: number[] = [];
  for (const [child, [parent = none]] of parents.entries())
    (parent === none ? roots : (tree[parent] as number[])).push(child);
  const order: number[] = [];
  const numbers = new Int32Array(parents.length).fill(none);
  const last = new Int32Array(parents.length);
  const stack = roots.reverse();
  while (stack.length > 0) {
    const position = stack.pop() as number;
    // Met again, all below it have their numbers.
    if (position < 0) {
      last[~position] = order.length - 1;
      continue;
    }
    numbers[position] = order.length;
    order.push(position);
    stack.push(~position);
    const below = tree[position] as number[];
    for (let index = below.length - 1; index >= 0; index--) stack.push(below[index] as number);
  }
  if (order.length < parents.length) throw circle();
  return { order, numbers, last };
}

/** Each after all that are below it. */
function bottomUp(parents: readonly (readonly number[])[], children: readonly (readonly number[])[]): number[] {
  const waiting = children.map((below) => below.length);
  const ready = [...waiting.keys()].filter((position) => waiting[position] === 0);
  for (let index = 0; index < ready.length; index++) {
    for (const parent of parents[ready[index] as number] as readonly number[]) {
      waiting[parent] = (waiting[parent] as number) - 1;
      if (waiting[parent] === 0) ready.push(parent);
    }
  }
  return ready;
}

function tangled(): Error {
  return fhirError(
    'too-costly',
    `The hierarchy of this code system is too tangled: its concepts have more than ${spansPerConceptMax} separate branches each.`,
    { status: 422, expression: 'CodeSystem.concept' },
  );
}

function circle(): Error {
  return fhirError('invalid', 'The hierarchy of this code system runs in a circle: a concept is below itself.', {
    status: 422,
    expression: 'CodeSystem.concept',
  });
}

function joined(spans: number[][]): number[] {
  spans.sort(([a = 0], [b = 0]) => a - b);
  const result: number[] = [];
  for (const [low = 0, high = 0] of spans) {
    const end = result.length - 1;
    if (end > 0 && low <= (result[end] as number) + 1) result[end] = Math.max(result[end] as number, high);
    else result.push(low, high);
  }
  return result;
}
