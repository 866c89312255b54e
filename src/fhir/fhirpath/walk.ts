// What a compiled expression works on: bare values, or places that know where in the resource they are.

import type { ReachedElement } from './elements.ts';
import type { ReadMember } from './read-member.ts';

/** Items are what collections hold while an expression runs. */
export interface Walk<T> {
  /** Reads element `name`; `known` is what the definitions tell of it, if anything. */
  member(name: string, known: KnownMember | undefined): ReadMember<T>;
  /** The values of the items, the same array where items are values. */
  values(items: readonly T[]): readonly unknown[];
  /** Items for values that stand nowhere in the resource. */
  computed(values: unknown[]): T[];
  /** Whether an item is of a type; absent where a value does not tell, and then a cast reads the choice element by its name. */
  readonly isOfType?: (item: T, type: string) => boolean;
  /** Told of work whose amount the resource and nested criteria decide; throws when it becomes too much. */
  spend(count: number): void;
  /** True where a name the definitions do not know is a mistake that must be told. */
  readonly isStrict: boolean;
}

export interface KnownMember {
  /** The names it has in JSON: one, or one per type of a choice element. */
  readonly jsonNames: readonly string[];
  readonly elements: readonly ReachedElement[];
}
