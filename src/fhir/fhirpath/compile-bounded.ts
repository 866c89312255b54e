// Compiles a FHIRPath that comes from outside, such as a profile's invariant or a tenant's SearchParameter, to run within
// bounds of length, depth, steps and time: https://hl7.org/fhirpath/N1/

import type { Definitions } from '../definitions.ts';
import { type FhirError, fhirError } from '../outcome.ts';
import { Compiler } from './compiler.ts';
import type { ReachedElement } from './elements.ts';
import { type ExactTexts, exactTexts } from './exact-texts.ts';
import { NotSingle } from './functions.ts';
import { type Place, rootPlace, valuesOf } from './place.ts';
import type { Hooks } from './place-functions.ts';
import { PlaceWalk } from './place-walk.ts';
import { Steps, TooManySteps } from './places.ts';
import { boundedRegExp } from './safe-reg-exp.ts';
import { parseExpression } from './syntax.ts';
import { UnsupportedSyntax } from './tokens.ts';
import type { Roots } from './walk.ts';

export interface BoundedPath {
  /** The values found. Throws FhirError: too-costly beyond the bounds, processing where several stand in place of one. */
  read(resource: object, run?: BoundedRun): unknown[];
  /** The same for an element that stands in `roots.resource`, each result with its place. */
  find(focus: Place, run: BoundedRun & { readonly roots: Roots<Place> }): Place[];
  /** What it reaches; absent when the definitions do not tell. */
  readonly elements?: readonly ReachedElement[];
}

export interface BoundedRun {
  /** To be shared by all evaluations of one request; without it each gets its own. */
  readonly steps?: Steps;
  readonly exactNumbers?: ReadonlyMap<string, string> | undefined;
}

export interface BoundedOptions {
  /** A resource type, or for an element's invariant any type of the definitions. */
  readonly type: string;
  readonly definitions: Definitions;
  readonly hooks?: Hooks;
  /** Of the element that holds the expression, for the error. */
  readonly expression?: string;
}

/** Generous for one expression over one resource, and over in a few milliseconds. */
export const evaluationLimits = { lengthMax: 4_000, wordsMax: 1_000, stepsMax: 200_000, timeMs: 100 } as const;

/** Throws FhirError for what is no FHIRPath, or too long or nested too deep. */
export function compileBounded(source: string, options: BoundedOptions): BoundedPath {
  const { type, definitions, hooks } = options;
  const walk = new PlaceWalk({
    definitions,
    isStrict: false,
    ...(hooks && { hooks }),
    regExp: (spend) => boundedRegExp(spend, (why) => new TooManySteps(why)),
  });
  const reader = refusing(options, () => {
    if (source.length > evaluationLimits.lengthMax)
      throw new UnsupportedSyntax(`it is longer than ${evaluationLimits.lengthMax} characters`);
    const parsed = parseExpression(source, evaluationLimits.wordsMax);
    return new Compiler<Place>({ type, definitions, walk }).reader(parsed);
  });
  const find = (focus: Place, run: BoundedRun, roots?: Roots<Place>): Place[] => {
    const steps = run.steps ?? new Steps(evaluationLimits.stepsMax, evaluationLimits.timeMs);
    const exact = exactOf(run, focus, roots);
    return refusing(options, () => walk.run(steps, exact, () => reader?.read(focus, roots) ?? []));
  };
  return {
    read: (resource, run = {}) => valuesOf(find(rootPlace(resource, type), run)),
    find: (focus, { roots, ...run }) => find(focus, run, roots),
    ...(reader?.elements && { elements: reader.elements }),
  };
}

function exactOf({ exactNumbers }: BoundedRun, focus: Place, roots: Roots<Place> | undefined): ExactTexts | undefined {
  if (!exactNumbers?.size) return undefined;
  return exactTexts((roots?.rootResource ?? focus).value as object, exactNumbers);
}

function refusing<T>({ expression }: BoundedOptions, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const refused = refusalOf(error, expression);
    throw refused ?? error;
  }
}

function refusalOf(error: unknown, expression: string | undefined): FhirError | undefined {
  const at = expression === undefined ? {} : { expression };
  if (error instanceof UnsupportedSyntax)
    return fhirError('invalid', `The FHIRPath expression cannot be used: ${error.message}.`, at);
  if (error instanceof TooManySteps)
    return fhirError('too-costly', `The FHIRPath expression is too costly for this resource: ${error.message}.`, at);
  if (error instanceof NotSingle)
    return fhirError('processing', `The FHIRPath expression fails for this resource: ${error.message}.`, at);
  return undefined;
}
