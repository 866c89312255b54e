// The types a profile leaves to an element, and the profiles it asks of their values: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.type

import type { Place } from '../../fhir/fhirpath/place.ts';
import { referenceType } from '../../fhir/fhirpath/reference-type.ts';
import { typeCode } from '../../fhir/profiles/narrow.ts';
import type { ElementRules, ProfileElement } from '../../fhir/profiles/profile-element.ts';
import type { Compilation } from './compilation.ts';
import { coreType, isOfCode } from './rules-of.ts';
import type { PlaceCheck } from './run.ts';

type Type = NonNullable<ElementRules['type']>[number];

export function compileTypes(
  { definition, contentType }: ProfileElement,
  baseline: ProfileElement,
  { id, where }: { readonly id: string; readonly where: string },
  compilation: Compilation,
): PlaceCheck | undefined {
  const types = definition.type;
  const before = baseline.definition.type ?? [];
  if (!types || contentType !== undefined || JSON.stringify(types) === JSON.stringify(before)) return undefined;
  const change = { types, before, id, where };
  const checks = [
    compileCodes(change, compilation),
    compileTypeProfiles(change, compilation),
    compileTargets(change, compilation),
    compileAggregation(change),
  ].filter((check) => check !== undefined);
  return (place, run) => {
    for (const check of checks) check(place, run);
  };
}

interface TypeChange {
  readonly types: readonly Type[];
  /** Those of the baseline. */
  readonly before: readonly Type[];
  readonly id: string;
  readonly where: string;
}

/** Only where R4 leaves a choice. */
function compileCodes({ types, before, where }: TypeChange, { definitions }: Compilation): PlaceCheck | undefined {
  const codes = [...new Set(types.map(typeCode))];
  const [only, ...others] = new Set(before.map(typeCode));
  const isChoice = others.length > 0 || only === undefined || definitions.typeDefinition(only)?.isAbstract;
  if (!isChoice) return undefined;
  return (place, run) => {
    if (codes.some((code) => isOfCode(place.type, code, definitions))) return;
    const text = `The type must be ${codes.join(' or ')}, found ${place.type ?? 'none'} (${where}).`;
    run.add('error', 'structure', { place }, text);
  };
}

/** At least one of the profiles of its type must hold. */
function compileTypeProfiles(
  { types, before, id, where }: TypeChange,
  compilation: Compilation,
): PlaceCheck | undefined {
  const byType = new Map<string, PlaceCheck>();
  for (const type of types) {
    const code = typeCode(type);
    const known = before.find((one) => typeCode(one) === code)?.profile;
    const own = (type.profile ?? []).filter((url) => !coreType(url, compilation.definitions));
    if (own.length === 0 || JSON.stringify(own) === JSON.stringify(known)) continue;
    const check = anyOf(own, { id, where }, compilation);
    if (check) byType.set(code, check);
  }
  if (byType.size === 0) return undefined;
  return (place, run) => (byType.get(place.type ?? '') ?? byType.get('Resource'))?.(place, run);
}

function anyOf(
  urls: readonly string[],
  { id, where }: Pick<TypeChange, 'id' | 'where'>,
  { nested, problem }: Compilation,
): PlaceCheck | undefined {
  const checks: PlaceCheck[] = [];
  for (const url of urls) {
    const check = nested(url);
    if (check) checks.push(check);
    else problem('warning', id, `profile ${url} is not known here: it is not checked.`);
  }
  // What cannot be checked cannot refuse anything.
  if (checks.length < urls.length) return undefined;
  const [only] = checks;
  if (only && checks.length === 1) return (place, run) => run.check(only, place);
  return (place, run) => {
    if (checks.some((check) => run.conforms(check, place))) return;
    run.add('error', 'structure', { place }, `This conforms to none of ${urls.join(', ')} (${where}).`);
  };
}

/** Types are told by the reference itself, profiles by the resource where it can be had. */
function compileTargets({ types, before, id, where }: TypeChange, compilation: Compilation): PlaceCheck | undefined {
  const urls = targetsOf(types);
  if (urls.length === 0 || JSON.stringify(urls) === JSON.stringify(targetsOf(before))) return undefined;
  const cores = urls.map((url) => coreType(url, compilation.definitions));
  const targets = urls.map((url, i) => cores[i] ?? compilation.profile(url)?.type);
  const isTold = !targets.includes(undefined) && !targets.includes('Resource');
  const profiles = urls.filter((_, i) => cores[i] === undefined);
  const conforms = profiles.length > 0 ? anyOf(profiles, { id, where }, compilation) : undefined;
  return (place, run) => {
    if (place.type !== 'Reference') return;
    const target = run.resolve(place);
    const type = target ? target.place.type : referenceType(place.value);
    if (isTold && type !== undefined && !targets.includes(type)) {
      const allowed = [...new Set(targets)].join(' or ');
      run.add(
        'error',
        'structure',
        { place },
        `The target must be a ${allowed}, found ${nameOf(type, compilation)} (${where}).`,
      );
    } else if (conforms && target && !cores.includes(type) && !target.run.conforms(conforms, target.place)) {
      // What is wrong with another resource is not told: who refers to it may not be allowed to read it.
      run.add('error', 'structure', { place }, `The target does not conform to ${profiles.join(' or ')} (${where}).`);
    }
  };
}

function targetsOf(types: readonly Type[]): readonly string[] {
  return types.find((type) => typeCode(type) === 'Reference')?.targetProfile ?? [];
}

function nameOf(type: string, { definitions }: Compilation): string {
  return definitions.typeDefinition(type) ? type : 'another';
}

/** https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html */
function compileAggregation({ types, where }: TypeChange): PlaceCheck | undefined {
  const modes = types.find((type) => typeCode(type) === 'Reference')?.aggregation ?? [];
  if (modes.length === 0) return undefined;
  const allowed = new Set<string>(modes);
  const isAllowed = (text: string) =>
    text.startsWith('#') ? allowed.has('contained') : allowed.has('referenced') || allowed.has('bundled');
  return (place, run) => {
    const text = textOf(place);
    if (text === undefined || isAllowed(text)) return;
    run.add('error', 'structure', { place }, `The target must be ${modes.join(' or ')} (${where}).`);
  };
}

function textOf({ type, value }: Place): string | undefined {
  const text = type === 'Reference' ? (value as { reference?: unknown } | undefined)?.reference : undefined;
  return typeof text === 'string' ? text : undefined;
}
