// Walks places: every item knows its type and where it stands, so that the whole language can be answered: https://hl7.org/fhirpath/N1/

import type { Definitions } from '../definitions.ts';
import type { ExactTexts } from './exact-texts.ts';
import type { SafeRegExp } from './functions/value-function.ts';
import { childrenOf, computedPlaces, type ElementNames, elementNames, isSpecialisation, type Place } from './place.ts';
import { type Hooks, placeFunctions } from './place-functions.ts';
import type { Steps } from './places.ts';
import { systemTypeOf, systemValue } from './system-value.ts';
import type { TypedWalk, Walk } from './walk.ts';

export interface PlaceWalkOptions {
  readonly definitions: Definitions;
  readonly isStrict: boolean;
  readonly hooks?: Hooks;
  /** Gets the walk's own `spend`. */
  readonly regExp: (spend: (count: number) => void) => SafeRegExp;
}

export class PlaceWalk implements Walk<Place> {
  readonly isStrict: boolean;
  readonly typed: TypedWalk<Place>;
  readonly #definitions: Definitions;
  #steps: Steps | undefined;
  #exact: ExactTexts | undefined;
  #now: Date | undefined;

  constructor({ definitions, isStrict, hooks = {}, regExp }: PlaceWalkOptions) {
    this.#definitions = definitions;
    this.isStrict = isStrict;
    const spend = (count: number) => this.spend(count);
    const now = () => {
      this.#now ??= new Date();
      return this.#now;
    };
    this.typed = {
      isOfType: (place, type) => isOfType(place, type, definitions),
      functions: placeFunctions(definitions, spend, hooks),
      surroundings: {
        spend,
        regExp: regExp(spend),
        get now() {
          return now();
        },
      },
      constant: (name) => hooks.constant?.(name),
    };
  }

  /** One evaluation. Without steps it may take what it takes. */
  run<R>(steps: Steps | undefined, exact: ExactTexts | undefined, evaluate: () => R): R {
    const outer = { steps: this.#steps, exact: this.#exact, now: this.#now };
    this.#steps = steps;
    this.#exact = exact;
    this.#now = undefined;
    try {
      return evaluate();
    } finally {
      this.#steps = outer.steps;
      this.#exact = outer.exact;
      this.#now = outer.now;
    }
  }

  member(name: string) {
    const namesByType = new Map<string, ElementNames>();
    return (parent: Place, out: Place[]) => {
      const type = parent.type ?? '';
      const names = namesByType.get(type) ?? elementNames(type, name, this.#definitions);
      namesByType.set(type, names);
      const children = names.length > 0 ? childrenOf(parent, names, this.#definitions) : ownValue(parent, name);
      this.spend(children.length + 1);
      // One by one: a list may be longer than the arguments a call takes.
      for (const child of children) out.push(child);
    };
  }

  readonly values = (places: readonly Place[]): unknown[] => {
    const values: unknown[] = [];
    for (const place of places) {
      const value = systemValue(place, this.#definitions, this.#exact);
      if (value !== undefined && value !== null) values.push(value);
    }
    return values;
  };

  extrasOf({ extras }: Place): object | undefined {
    return extras;
  }

  readonly computed = computedPlaces;

  spend(count: number): void {
    this.#steps?.spend(count);
  }
}

/** What a primitive holds beside its extensions, and the members of a TypeInfo. */
function ownValue(parent: Place, name: string): Place[] {
  if (parent.isPrimitive && parent.type !== undefined && name === 'value' && parent.value !== undefined) {
    return computedPlaces([parent.value]);
  }
  const isComputedObject = parent.type === undefined && parent.at === undefined && parent.value instanceof Object;
  if (!isComputedObject || !Object.hasOwn(parent.value as object, name)) return [];
  return computedPlaces([(parent.value as Readonly<Record<string, unknown>>)[name]]);
}

/** A name without namespace is FHIR's where FHIR has such a type: https://hl7.org/fhir/R4/fhirpath.html#types */
function isOfType(place: Place, type: string, definitions: Definitions): boolean {
  if (place.type !== undefined) return isSpecialisation(place.type, type, definitions);
  return systemTypeOf(place.value) === (type.startsWith('System.') ? type.slice('System.'.length) : type);
}
