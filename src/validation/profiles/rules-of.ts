// What a profile says of an element below one of its elements, wherever it says it.

import type { Definitions } from '../../fhir/definitions.ts';
import { isSpecialisation } from '../../fhir/fhirpath/place.ts';
import { typeCode } from '../../fhir/profiles/narrow.ts';
import type { ProfileElement } from '../../fhir/profiles/profile-element.ts';
import { typeTree } from '../../fhir/profiles/type-tree.ts';
import { type Compilation, contentTypeOf } from './compilation.ts';
import { valueRule } from './match-value.ts';

const structureUrl = 'http://hl7.org/fhir/StructureDefinition/';

/**
 * The child in the element's own tree, in the profiles of its type, and as part of a fixed or pattern value above it; with
 * its slices, since a slice of codings may hold the code that tells.
 */
export function rulesOf(element: ProfileElement, name: string, compilation: Compilation): ProfileElement[] {
  const types = element.definition.type ?? [];
  const profiled = types.flatMap((type) => (type.profile ?? []).map((url) => compilation.profile(url)?.root));
  const told = [element, ...profiled].flatMap((parent) => childOf(parent, name) ?? []);
  const typeName = contentTypeOf(element, types.map(typeCode));
  const children = told.length > 0 ? told : [childOf(typeTree(compilation.definitions, typeName), name) ?? []].flat();
  return [...children.flatMap((child) => [child, ...child.slices]), ...partsOfValue(element, name)];
}

function childOf(parent: ProfileElement | undefined, name: string): ProfileElement | undefined {
  return parent?.children.get(name) ?? parent?.children.get(`${name}[x]`);
}

/** `coding` of a patternCodeableConcept. */
function partsOfValue(element: ProfileElement, name: string): ProfileElement[] {
  const value = valueRule(element)?.value;
  const part: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (part === undefined) return [];
  const parts: readonly unknown[] = Array.isArray(part) ? part : [part];
  return parts.map((one) => ({ name, definition: { patternString: one as string }, children: new Map(), slices: [] }));
}

/** Whether a value of a type may stand where a type is asked for; an abstract one stands for all that are made from it. */
export function isOfCode(type: string | undefined, code: string, definitions: Definitions): boolean {
  if (type === undefined || type === code) return type === code;
  return definitions.typeDefinition(code)?.isAbstract === true && isSpecialisation(type, code, definitions);
}

/** Whether a canonical with this version behind its bar may mean what R4 was published with. */
export function isOfRelease(version: string | undefined): boolean {
  return version === undefined || version === '4.0.1' || version === '4.0';
}

/** The R4 type a canonical stands for; undefined for that of another release. */
export function coreType(canonical: string, definitions: Definitions): string | undefined {
  const [url = '', version] = canonical.split('|');
  if (!isOfRelease(version)) return undefined;
  const name = url.startsWith(structureUrl) ? url.slice(structureUrl.length) : '';
  return definitions.typeDefinition(name) ? name : undefined;
}
