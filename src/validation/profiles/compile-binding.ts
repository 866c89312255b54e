// Bindings a profile makes or strengthens: https://hl7.org/fhir/R4/terminologies.html#strength

import type { Place } from '../../fhir/fhirpath/place.ts';
import type { ElementRules } from '../../fhir/profiles/profile-element.ts';
import type { CodedValue, PlaceCheck, Run } from './run.ts';

/** Required is an error, extensible a warning; the weaker ones ask for nothing that could be checked. */
export function compileBinding(rules: ElementRules, baseline: ElementRules, where: string): PlaceCheck | undefined {
  const known = boundsOf(baseline);
  const isKnown = ({ valueSet, strength }: BoundTo) =>
    known.some((one) => one.strength === strength && unversioned(one.valueSet) === unversioned(valueSet));
  const checks = boundsOf(rules)
    .filter((bound) => !isKnown(bound))
    .map((bound) => compileBound(bound, where));
  if (checks.length === 0) return undefined;
  return (place, run) => {
    for (const check of checks) check(place, run);
  };
}

interface BoundTo {
  readonly valueSet: string;
  readonly strength: 'required' | 'extensible';
}

/** What a code that is not in an extensible or preferred value set may still be: https://hl7.org/fhir/R4/extension-elementdefinition-maxvalueset.html */
const maxValueSetUrl = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet';

function boundsOf({ binding }: ElementRules): BoundTo[] {
  const { strength, valueSet, extension } = binding ?? {};
  const isChecked = strength === 'required' || strength === 'extensible';
  const max = extension?.find(({ url }) => url === maxValueSetUrl);
  const most = max?.valueCanonical ?? max?.valueUri;
  return [
    ...(valueSet && isChecked ? [{ valueSet, strength }] : []),
    ...(most && strength !== 'required' ? [{ valueSet: most, strength: 'required' as const }] : []),
  ];
}

function compileBound(bound: BoundTo, where: string): PlaceCheck {
  const { valueSet, strength } = bound;
  const severity = strength === 'required' ? 'error' : 'warning';
  return (place, run) => {
    const coded = codedValues(place);
    const isMember = coded ? isBound(coded, bound, run) : true;
    if (isMember === false) {
      const text = `The code must be one of ${valueSet} (${strength} binding, ${where}).`;
      run.add(severity, 'code-invalid', { place }, text);
    } else if (isMember === undefined && strength === 'required') {
      const text = `Whether the code is one of ${valueSet} cannot be told here: it is not checked (${strength} binding, ${where}).`;
      run.add('warning', 'not-supported', { place }, text);
    }
  };
}

function unversioned(canonical: string | undefined): string | undefined {
  return canonical?.replace(/\|[^#]*/, '');
}

/** One coding of a concept is enough; undefined where nobody can answer. */
function isBound(coded: readonly CodedValue[], { valueSet, strength }: BoundTo, run: Run): boolean | undefined {
  // Text alone will do where codes may be missing from the value set.
  if (coded.length === 0) return strength === 'extensible';
  run.steps.spend(coded.length);
  const answers = coded.map((one) => run.surroundings.isMember?.(valueSet, one));
  return answers.find((answer) => answer === true) ?? (answers.includes(undefined) ? undefined : false);
}

/** The codes at a place; undefined for a type that has none. */
export function codedValues({ value, type }: Pick<Place, 'value' | 'type'>): CodedValue[] | undefined {
  if (typeof value === 'string') return [{ code: value }];
  if (typeof value !== 'object' || value === null) return undefined;
  if (type === 'CodeableConcept') {
    const coding: unknown = 'coding' in value ? value.coding : undefined;
    return Array.isArray(coding) ? coding.flatMap((one) => codedValue(one) ?? []) : [];
  }
  const only = codedValue(value);
  return only ? [only] : undefined;
}

function codedValue(value: unknown): CodedValue | undefined {
  const { system, code } = (value ?? {}) as { system?: unknown; code?: unknown };
  if (typeof code !== 'string') return undefined;
  return typeof system === 'string' ? { system, code } : { code };
}
