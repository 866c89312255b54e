// What a value set holds, by code system, and the algebra of it: https://hl7.org/fhir/R4/valueset.html#composition

import { fhirError } from '../fhir/outcome.ts';
import type { ConceptSet } from './concept-set.ts';
import type { Designation } from './source-system.ts';
import type { StoredSystem } from './stored-concept.ts';

/** A code as a value set lists it; what it says of it counts before what the code system says. */
export interface Listed {
  readonly code: string;
  readonly display?: string | undefined;
  readonly designations?: readonly Designation[];
  readonly abstract?: boolean;
}

/** Of a code system that is here. */
export interface KnownPart {
  readonly system: StoredSystem;
  readonly set: ConceptSet;
  /** By number, in the order of the value set; not all of the set need be here, nor all here in the set. */
  readonly listed: ReadonlyMap<number, Listed>;
}

/** Of a code system that is not here: listed codes, or all there are. */
export interface ForeignPart {
  readonly system?: undefined;
  readonly url: string;
  readonly version: string;
  readonly isWhole: boolean;
  readonly listed: ReadonlyMap<string, Listed>;
}

export type Part = KnownPart | ForeignPart;

/** By code system, in the order these are first met. */
export type Members = ReadonlyMap<string, Part>;

export const noMembers: Members = new Map();

export function keyOfPart(part: Part): string {
  return part.system ? `${part.system.origin} ${part.system.id}` : `${part.url}|${part.version}`;
}

export function membersOf(part: Part): Members {
  return new Map([[keyOfPart(part), part]]);
}

export function union(a: Members, b: Members): Members {
  const result = new Map(a);
  for (const [key, part] of b) {
    const other = result.get(key);
    result.set(key, other ? unionOf(other, part) : part);
  }
  return result;
}

export function intersection(a: Members, b: Members): Members {
  const result = new Map<string, Part>();
  for (const [key, part] of a) {
    const other = b.get(key);
    if (other) result.set(key, intersectionOf(part, other));
  }
  return result;
}

export function without(members: Members, excluded: Members): Members {
  const result = new Map<string, Part>();
  for (const [key, part] of members) {
    const other = excluded.get(key);
    result.set(key, other ? differenceOf(part, other) : part);
  }
  return result;
}

function unionOf(a: Part, b: Part): Part {
  if (a.system && b.system) return { ...a, set: a.set.or(b.set), listed: new Map([...b.listed, ...a.listed]) };
  const [first, second] = [a as ForeignPart, b as ForeignPart];
  const listed = new Map([...second.listed, ...first.listed]);
  return { ...first, isWhole: first.isWhole || second.isWhole, listed };
}

function intersectionOf(a: Part, b: Part): Part {
  if (a.system && b.system) return { ...a, set: a.set.and(b.set), listed: new Map([...b.listed, ...a.listed]) };
  const [first, second] = [a as ForeignPart, b as ForeignPart];
  const both = [...first.listed, ...second.listed].filter(
    ([code]) => (first.isWhole || first.listed.has(code)) && (second.isWhole || second.listed.has(code)),
  );
  return { ...first, isWhole: first.isWhole && second.isWhole, listed: new Map(both) };
}

function differenceOf(a: Part, b: Part): Part {
  if (a.system && b.system) return { ...a, set: a.set.without(b.set) };
  const [first, second] = [a as ForeignPart, b as ForeignPart];
  if (first.isWhole && !second.isWhole && second.listed.size > 0) {
    throw fhirError(
      'not-supported',
      `Codes are left out of a whole code system that is not here: ${first.url}. Import it, or list what is in.`,
      { status: 400 },
    );
  }
  const listed = second.isWhole ? [] : [...first.listed].filter(([code]) => !second.listed.has(code));
  return { ...first, isWhole: first.isWhole && !second.isWhole, listed: new Map(listed) };
}
