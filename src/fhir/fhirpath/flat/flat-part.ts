// A piece of an expression over plain JSON of known type, told apart by what it can give, so that no collection is made
// where one property test will do: https://hl7.org/fhirpath/N1/#expressions

import type { ElementDefinition } from '../../definitions/snapshot.ts';
import type { ExactTexts } from '../exact-texts.ts';
import type { Steps } from '../places.ts';

/** What an evaluation knows beside the node: https://hl7.org/fhir/R4/fhirpath.html#variables */
export interface FlatRun {
  readonly resource: Node;
  readonly rootResource: Node;
  /** For what runs over places. */
  readonly exact: ExactTexts | undefined;
  readonly steps: Steps;
}

export type Node = Readonly<Record<string, unknown>>;

/** Undefined is FHIRPath's empty. */
export type Get = (focus: unknown, run: FlatRun) => unknown;
export type Truth = (focus: unknown, run: FlatRun) => boolean | undefined;

/** At most one value; of a primitive its value alone. */
export interface One {
  readonly kind: 'one';
  readonly get: Get;
  /** Whether an element is there, be it with extensions only. */
  readonly exists: (focus: unknown, run: FlatRun) => boolean;
  readonly types: Types;
}

/** Any number of values; an array of the resource itself where that is one. */
export interface Many {
  readonly kind: 'many';
  readonly list: (focus: unknown, run: FlatRun) => readonly unknown[];
  readonly exists: (focus: unknown, run: FlatRun) => boolean;
  /** With the elements that have only extensions. */
  readonly count: (focus: unknown, run: FlatRun) => number;
  readonly types: Types;
}

/** A boolean; `isTotal`: never empty. */
export interface Decision {
  readonly kind: 'truth';
  readonly test: Truth;
  readonly isTotal: boolean;
}

export type FlatPart = One | Many | Decision;

/** Names of the definitions, several for a choice; `system` for a computed value. */
export type Types = readonly string[];

/** Thrown for what this backend leaves to the one over places. */
export class NotFlat extends Error {}

export const nothing: readonly unknown[] = [];

/** The names a child has in JSON. */
export interface Child {
  readonly element: ElementDefinition;
  readonly jsonNames: readonly string[];
  readonly types: Types;
  readonly isPrimitive: boolean;
}
