// Compiles a FHIRPath to find places: elements of one resource together with where in its JSON they stand, so that they can be edited.

import type { Definitions } from '../definitions.ts';
import { Compiler } from './compiler.ts';
import { type Place, rootPlace } from './place.ts';
import { PlaceWalk } from './place-walk.ts';
import { boundedRegExp } from './safe-reg-exp.ts';
import { type Expression, parseExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';

export interface PlacePath {
  /** Throws TooManySteps beyond what `steps` has left. */
  find(resource: object, steps: Steps): Place[];
  /** Set where the path ends in an element's name: a list that is still empty has no place, but parents. */
  readonly list: { readonly name: string; findParents(resource: object, steps: Steps): Place[] } | undefined;
}

/** What evaluations may cost together: nested criteria over long lists would otherwise multiply without end. */
export class Steps {
  #left: number;
  readonly #deadline: number;
  #untilClock = stepsPerClock;

  /** Without a time limit the steps alone count. */
  constructor(max: number, timeLimitMs = Number.POSITIVE_INFINITY) {
    this.#left = max;
    this.#deadline = performance.now() + timeLimitMs;
  }

  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TooManySteps('it takes too many steps');
    this.#untilClock -= count;
    if (this.#untilClock > 0) return;
    this.#untilClock = stepsPerClock;
    if (performance.now() > this.#deadline) throw new TooManySteps('it takes too long');
  }
}

/** So many steps take less than a millisecond. */
const stepsPerClock = 2_000;

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

function finder(expression: Expression, type: string, definitions: Definitions): PlacePath['find'] | undefined {
  const walk = new PlaceWalk({ definitions, isStrict: true, regExp: (spend) => boundedRegExp(spend, refusePattern) });
  const reader = new Compiler<Place>({ type, definitions, walk }).reader(expression);
  return reader && ((resource, steps) => walk.run(steps, undefined, () => reader.read(rootPlace(resource, type))));
}

function refusePattern(why: string): Error {
  return new TooManySteps(why);
}
