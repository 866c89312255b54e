// Makes one function of an invariant: over plain properties where that is possible, else over places: https://hl7.org/fhirpath/N1/

import type { Constraint } from '../../fhir/definitions/snapshot.ts';
import type { Definitions } from '../../fhir/definitions.ts';
import { Compiler } from '../../fhir/fhirpath/compiler.ts';
import { compileFlat } from '../../fhir/fhirpath/flat/flat-compiler.ts';
import { type Node, NotFlat, type Truth } from '../../fhir/fhirpath/flat/flat-part.ts';
import { NotSingle } from '../../fhir/fhirpath/functions.ts';
import { truthOf } from '../../fhir/fhirpath/operators.ts';
import { type Place, rootPlace, valuesOf } from '../../fhir/fhirpath/place.ts';
import { PlaceWalk } from '../../fhir/fhirpath/place-walk.ts';
import { TooManySteps } from '../../fhir/fhirpath/places.ts';
import { trustedRegExp } from '../../fhir/fhirpath/safe-reg-exp.ts';
import { type Expression, parseExpression } from '../../fhir/fhirpath/syntax.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { describeFailure } from './describe-failure.ts';
import { handWritten } from './hand-written.ts';

export interface Check {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  /** True where the invariant is met: false and empty are a failure, as for HL7's own validator. */
  readonly test: Truth;
  /** The sentence for an element that fails. */
  readonly describe: (focus: unknown) => string;
}

export type CheckFactory = (constraint: Constraint, type: string) => Check;

export function createCheckFactory(definitions: Definitions): CheckFactory {
  return (constraint, type) => {
    const { key, severity } = constraint;
    const expression = parseExpression(constraint.expression);
    const test = flatTest(expression, type, definitions);
    const byHand = handWritten(constraint.expression, definitions);
    const compiled = test ?? placeTest(expression, type, definitions);
    return {
      key,
      severity,
      test: byHand ? (focus, run) => byHand(focus) ?? compiled(focus, run) : compiled,
      describe: describeFailure(constraint, expression),
    };
  };
}

function flatTest(expression: Expression, type: string, definitions: Definitions): Truth | undefined {
  try {
    const elsewhere = (operand: Expression) => placeTest(operand, type, definitions);
    const { test, comparesDecimals } = compileFlat(expression, type, definitions, elsewhere);
    if (!comparesDecimals) return test;
    // Their exact texts stand beside the resource, where only places look.
    const exactTest = placeTest(expression, type, definitions);
    return (focus, run) => (run.exact ? exactTest(focus, run) : test(focus, run));
  } catch (error) {
    if (error instanceof NotFlat) return undefined;
    throw error;
  }
}

function placeTest(expression: Expression, type: string, definitions: Definitions): Truth {
  const walk = new PlaceWalk({ definitions, isStrict: false, regExp: trustedRegExp });
  const reader = new Compiler<Place>({ type, definitions, walk }).reader(expression);
  const isPrimitive = definitions.typeDefinition(type)?.kind === 'primitive-type';
  return (focus, run) => {
    const place: Place = isPrimitive
      ? { value: focus, extras: undefined, type, isPrimitive, at: undefined }
      : rootPlace(focus as object, type);
    const roots = { resource: resourcePlace(run.resource), rootResource: resourcePlace(run.rootResource) };
    return truthIn(() => walk.run(run.steps, run.exact, () => reader?.read(place, roots) ?? []));
  };
}

function resourcePlace(resource: Node): Place {
  return rootPlace(resource, resource.resourceType as string);
}

/** An expression that cannot be evaluated is not met. */
function truthIn(read: () => Place[]): boolean | undefined {
  try {
    return truthOf(valuesOf(read()));
  } catch (error) {
    if (error instanceof NotSingle) return false;
    if (error instanceof TooManySteps) throw fhirError('too-costly', 'The resource is too large for its invariants.');
    throw error;
  }
}
