// Bindings a profile makes or strengthens: https://hl7.org/fhir/R4/terminologies.html#strength

import type { Place } from '../../fhir/fhirpath/place.ts';
import type { ElementRules } from '../../fhir/profiles/profile-element.ts';
import type { CodedValue, PlaceCheck, Run } from './run.ts';

/** Required is an error, extensible a warning; the weaker ones ask for nothing that could be checked. */
export function compileBinding(rules: ElementRules, baseline: ElementRules, where: string): PlaceCheck | undefined {
  const { strength, valueSet } = rules.binding ?? {};
  if (!valueSet || (strength !== 'required' && strength !== 'extensible')) return undefined;
  const known = baseline.binding;
  if (known?.strength === strength && unversioned(known.valueSet) === unversioned(valueSet)) return undefined;
  const severity = strength === 'required' ? 'error' : 'warning';
  return (place, run) => {
    const coded = codedValues(place);
    if (!coded || isBound(coded, { valueSet, strength }, run)) return;
    run.add(
      severity,
      'code-invalid',
      { place },
      `The code must be one of ${valueSet} (${strength} binding, ${where}).`,
    );
  };
}

function unversioned(canonical: string | undefined): string | undefined {
  return canonical?.split('|')[0];
}

interface BoundTo {
  readonly valueSet: string;
  readonly strength: 'required' | 'extensible';
}

/** One coding of a concept is enough. What nobody can answer passes. */
function isBound(coded: readonly CodedValue[], { valueSet, strength }: BoundTo, run: Run): boolean {
  // Text alone will do where codes may be missing from the value set.
  if (coded.length === 0) return strength === 'extensible';
  run.steps.spend(coded.length);
  return coded.some((one) => run.surroundings.isMember?.(valueSet, one) !== false);
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
