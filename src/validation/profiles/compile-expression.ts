// FHIRPath of profiles, which comes from outside, as conditions on places: https://hl7.org/fhir/R4/fhirpath.html

import { compileBounded } from '../../fhir/fhirpath/compile-bounded.ts';
import { rootPlace } from '../../fhir/fhirpath/place.ts';
import { FhirError } from '../../fhir/outcome.ts';
import type { Compilation, Condition } from './compilation.ts';
import { codedValues } from './compile-binding.ts';
import { rootsOf } from './place-text.ts';
import type { Run } from './run.ts';

/** Undefined for what is no expression of FHIRPath, or one beyond the bounds. An empty result counts as false. */
export function compileExpression(source: string, type: string, compilation: Compilation): Condition | undefined {
  // Evaluations do not overlap, so the hooks find the run of their own here.
  let current: Run | undefined;
  const hooks = {
    memberOf: (value: unknown, valueSet: string) => memberOf(value, valueSet, current),
    conformsTo: (value: unknown, canonical: string) => conformsTo(value, canonical, compilation, current),
  };
  const path = orUndefined(() => compileBounded(source, { type, definitions: compilation.definitions, hooks }));
  if (!path) return undefined;
  return (place, run) => {
    const outer = current;
    current = run;
    try {
      const roots = rootsOf(place);
      const [only, ...others] = path.find(place, { steps: run.steps, exactNumbers: run.exactNumbers, roots });
      return others.length === 0 && only?.value?.valueOf() === true;
    } catch (error) {
      if (error instanceof FhirError) return 'unknown';
      throw error;
    } finally {
      current = outer;
    }
  };
}

function orUndefined<T>(compile: () => T): T | undefined {
  try {
    return compile();
  } catch (error) {
    if (error instanceof FhirError) return undefined;
    throw error;
  }
}

function memberOf(value: unknown, valueSet: string, run: Run | undefined): boolean | undefined {
  const type = typeof value === 'object' && value !== null && 'coding' in value ? 'CodeableConcept' : 'Coding';
  const coded = codedValues({ value, type }) ?? [];
  const answers = coded.map((one) => run?.surroundings.isMember?.(valueSet, one));
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

function conformsTo(
  value: unknown,
  canonical: string,
  { nested, profile }: Compilation,
  run: Run | undefined,
): boolean | undefined {
  const check = nested(canonical);
  const type = profile(canonical)?.type;
  if (!check || !run || type === undefined || typeof value !== 'object' || value === null) return undefined;
  return run.conforms(check, rootPlace(value, type));
}
