// What a compiled expression works on: bare values, or places that know where in the resource they are.

import type { ReachedElement } from './elements.ts';
import type { Surroundings } from './functions/value-function.ts';
import type { ReadMember } from './read-member.ts';

/** Items are what collections hold while an expression runs. */
export interface Walk<T> {
  /** Reads element `name`; `known` is what the definitions tell of it, if anything. */
  member(name: string, known: KnownMember | undefined): ReadMember<T>;
  /** The values of the items, the same array where items are values. */
  values(items: readonly T[]): readonly unknown[];
  /** What an item without a value has instead, the same object each time: its extensions. */
  extrasOf(item: T): unknown;
  /** Items for values that stand nowhere in the resource. */
  computed(values: unknown[]): T[];
  /** Absent where items do not tell their types: a cast then reads the choice element by its name, and the rest is unsupported. */
  readonly typed?: TypedWalk<T>;
  /** Told of work whose amount the resource and nested criteria decide; throws when it becomes too much. */
  spend(count: number): void;
  /** True where a name the definitions do not know is a mistake that must be told. */
  readonly isStrict: boolean;
}

/** What the whole language needs. */
export interface TypedWalk<T> {
  isOfType(item: T, type: string): boolean;
  /** Functions that need to know where an item stands, such as `children()` and `resolve()`. */
  readonly functions: ReadonlyMap<string, WalkFunction<T>>;
  readonly surroundings: Surroundings;
  /** Of `%name`, beyond those of the specification. */
  constant(name: string): unknown;
}

export interface WalkFunction<T> {
  readonly arity: readonly [min: number, max: number];
  readonly run: (items: readonly T[], args: readonly (readonly unknown[])[], root: Roots<T>) => T[];
}

/** https://hl7.org/fhir/R4/fhirpath.html#variables */
export interface Roots<T> {
  readonly resource: T;
  /** The resource that contains `resource`, else the same. */
  readonly rootResource: T;
}

export interface KnownMember {
  /** The names it has in JSON: one, or one per type of a choice element. */
  readonly jsonNames: readonly string[];
  readonly elements: readonly ReachedElement[];
}
