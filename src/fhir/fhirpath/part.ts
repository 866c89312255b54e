// A compiled piece of an expression, and how pieces follow each other.

import type { ReachedElements } from './elements.ts';
import type { ReadMember } from './read-member.ts';

export interface Part<T> {
  readonly evaluate: (focus: readonly T[]) => T[];
  readonly elements: ReachedElements;
}

/** Nothing follows from an empty collection. */
export function follow<T>({ evaluate }: Part<T>, elements: ReachedElements, step: (values: T[]) => T[]): Part<T> {
  return {
    evaluate: (focus) => {
      const values = evaluate(focus);
      return values.length === 0 ? values : step(values);
    },
    elements,
  };
}

export function concatenated<T>(a: Part<T>, b: Part<T>): Part<T> {
  return { evaluate: (focus) => a.evaluate(focus).concat(b.evaluate(focus)), elements: bothElements(a, b) };
}

export function bothElements<T>(a: Part<T>, b: Part<T>): ReachedElements {
  return a.elements && b.elements && [...a.elements, ...b.elements];
}

export function gatherAll<T>(values: readonly T[], steps: readonly ReadMember<T>[]): T[] {
  const out: T[] = [];
  for (const value of values) gather(value, steps, 0, out);
  return out;
}

function gather<T>(value: T, steps: readonly ReadMember<T>[], position: number, out: T[]): void {
  const read = steps[position] as ReadMember<T>;
  if (position === steps.length - 1) {
    read(value, out);
    return;
  }
  const found: T[] = [];
  read(value, found);
  for (const item of found) gather(item, steps, position + 1, out);
}
