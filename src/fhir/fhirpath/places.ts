// Compiles a FHIRPath to find places: elements of one resource together with where in its JSON they stand, so that they can be edited.

import type { Definitions } from '../definitions.ts';
import { Compiler } from './compiler.ts';
import {
  childrenOf,
  computedPlaces,
  type ElementNames,
  elementNames,
  isSpecialisation,
  type Place,
  rootPlace,
  valuesOf,
} from './place.ts';
import { type Expression, parseExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import type { Walk } from './walk.ts';

export interface PlacePath {
  /** Throws TooManySteps beyond what `steps` has left. */
  find(resource: object, steps: Steps): Place[];
  /** Set where the path ends in an element's name: a list that is still empty has no place, but parents. */
  readonly list: { readonly name: string; findParents(resource: object, steps: Steps): Place[] } | undefined;
}

/** What evaluations may cost together: nested criteria over long lists would otherwise multiply without end. */
export class Steps {
  #left: number;

  constructor(max: number) {
    this.#left = max;
  }

  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TooManySteps('it takes too many steps');
  }
}

export class TooManySteps extends Error {}

const lengthMax = 1_000;

/** Throws UnsupportedSyntax or UnknownElement; undefined when the path starts at another type. */
export function compilePlaces(source: string, resourceType: string, definitions: Definitions): PlacePath | undefined {
  if (source.length > lengthMax) throw new UnsupportedSyntax(`it is longer than ${lengthMax} characters`);
  const expression = parseExpression(source);
  const find = finder(expression, resourceType, definitions);
  if (!find) return undefined;
  const findParents = expression.kind === 'member' ? finder(expression.of, resourceType, definitions) : undefined;
  const list = expression.kind === 'member' && findParents ? { name: expression.name, findParents } : undefined;
  return { find, list };
}

function finder(expression: Expression, resourceType: string, definitions: Definitions): PlacePath['find'] | undefined {
  const walk = new PlaceWalk(definitions);
  const reader = new Compiler<Place>({ resourceType, definitions, walk }).reader(expression);
  return (
    reader &&
    ((resource, steps) => {
      walk.steps = steps;
      return reader.read(rootPlace(resource, resourceType));
    })
  );
}

class PlaceWalk implements Walk<Place> {
  readonly isStrict = true;
  steps = new Steps(0);
  readonly #definitions: Definitions;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  member(name: string) {
    const namesByType = new Map<string, ElementNames>();
    return (parent: Place, out: Place[]) => {
      const type = parent.type ?? '';
      const names = namesByType.get(type) ?? elementNames(type, name, this.#definitions);
      namesByType.set(type, names);
      const children = childrenOf(parent, names, this.#definitions);
      this.steps.spend(children.length + 1);
      // One by one: a list may be longer than the arguments a call takes.
      for (const child of children) out.push(child);
    };
  }

  readonly values = valuesOf;
  readonly computed = computedPlaces;
  readonly isOfType = (place: Place, type: string) =>
    place.type !== undefined && isSpecialisation(place.type, type, this.#definitions);

  spend(count: number): void {
    this.steps.spend(count);
  }
}
