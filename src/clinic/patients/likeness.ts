// How likely two Patients are one person, from 0 to 1: a weighted comparison of what both have (README, Patients; domain.md `$match`).

import type { HumanName, Identifier, Patient } from '@medplum/fhirtypes';
import { foldWords } from '../../search/fold-text.ts';
import { normalizeContact } from '../../search/token-text.ts';
import { nameLikeness, spellingsOf } from './name-likeness.ts';

/**
 * What each thing counts for that both have. The sum of what agrees is divided by the sum of what both have, and at least by
 * `evidenceMin`, so that two about whom little is known are not alike for that reason.
 */
const weights = { name: 0.4, birthDate: 0.25, identifier: 0.3, birthOrder: 0.3, phone: 0.1, gender: 0.05 } as const;
const evidenceMin = 0.6;

/** From these on: `certain` and `probable` of http://hl7.org/fhir/match-grade; below is `possible`, and below that nothing. */
export const certainFrom = 0.95;
export const probableFrom = 0.8;
export const possibleFrom = 0.6;

export type MatchGrade = 'certain' | 'probable' | 'possible' | 'certainly-not';

export function gradeOf(score: number): MatchGrade {
  if (score >= certainFrom) return 'certain';
  if (score >= probableFrom) return 'probable';
  return score >= possibleFrom ? 'possible' : 'certainly-not';
}

/** What of a Patient is compared, folded once for many comparisons. */
export interface Likeness {
  readonly names: readonly ReadonlySet<string>[];
  /** How else words of names may be written, by the word: `mueller` of Müller, `muller` of Mueller. */
  readonly spellings: ReadonlyMap<string, ReadonlySet<string>>;
  readonly birthDate: string | undefined;
  readonly gender: string | undefined;
  /** Of a multiple birth: which one it was. */
  readonly birthOrder: number | undefined;
  readonly phones: readonly string[];
  /** `system|value`, by system. */
  readonly identifiers: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Also of a Patient that was not validated: what has another shape is passed over. */
export function likenessOf(patient: Patient): Likeness {
  const texts = listOf(patient.name).flatMap(textsOf);
  return {
    names: listOf(patient.name)
      .map(wordsOf)
      .filter((words) => words.size > 0),
    spellings: spellingsOf(texts),
    birthDate: textOf(patient.birthDate),
    gender: patient.gender === 'unknown' ? undefined : textOf(patient.gender),
    birthOrder: patient.multipleBirthInteger,
    phones: phonesOf(patient),
    identifiers: identifiersOf(patient),
  };
}

/** Symmetric; 1 of a Patient with itself when it has a name and a date of birth, or as much evidence in other things. */
export function score(one: Likeness, other: Likeness): number {
  const compared = {
    name: nameLikeness(one.names, other.names),
    birthDate: birthDateLikeness(one.birthDate, other.birthDate),
    identifier: identifierLikeness(one.identifiers, other.identifiers),
    birthOrder: birthOrderLikeness(one.birthOrder, other.birthOrder),
    phone: phoneLikeness(one.phones, other.phones),
    gender: one.gender && other.gender ? Number(one.gender === other.gender) : undefined,
  };
  let agreeing = 0;
  let known = 0;
  for (const [thing, weight] of Object.entries(weights) as [keyof typeof weights, number][]) {
    const likeness = compared[thing];
    if (likeness === undefined) continue;
    agreeing += weight * likeness;
    known += weight;
  }
  // Sums of decimals are off by their last bits.
  return Math.round((agreeing / Math.max(known, evidenceMin)) * 1e6) / 1e6;
}

/** Each of these is 0 to 1, or undefined where one of both says nothing. */
type Compared = number | undefined;

/** The same day; a part of it where one knows no more; or day and month exchanged. */
function birthDateLikeness(one: string | undefined, other: string | undefined): Compared {
  if (one === undefined || other === undefined) return undefined;
  if (one === other) return 1;
  if (one.startsWith(other) || other.startsWith(one)) return 0.8;
  const [year, month, day] = one.split('-');
  return day !== undefined && other === `${year}-${day}-${month}` ? 0.5 : 0;
}

/** The first and the second of twins are two, whatever else they share; two who were born first are not one for that. */
function birthOrderLikeness(one: number | undefined, other: number | undefined): Compared {
  return one === undefined || other === undefined || one === other ? undefined : 0;
}

/** A number with and without what leads to the country is one: +43 664 1234567 and 0664/1234567. */
function phoneLikeness(one: readonly string[], other: readonly string[]): Compared {
  if (one.length === 0 || other.length === 0) return undefined;
  const others = other.map(withoutTrunk);
  return Number(one.map(withoutTrunk).some((a) => others.some((b) => a === b || endsWith(a, b) || endsWith(b, a))));
}

/** The zeros before an area, or before a country, are not dialled from everywhere. */
function withoutTrunk(digits: string): string {
  return digits.replace(/^0+/, '');
}

function endsWith(digits: string, end: string): boolean {
  return end.length >= phoneDigitsMin && digits.endsWith(end);
}

/** In a system that both have an identifier of, one that is the same says as much as none that is. */
function identifierLikeness(one: Likeness['identifiers'], other: Likeness['identifiers']): Compared {
  let compared: Compared;
  for (const [system, values] of one) {
    const others = other.get(system);
    if (!others) continue;
    if (!values.isDisjointFrom(others)) return 1;
    // Everybody has another number of the clinic, also who is registered twice.
    if (system !== numberSystem) compared = 0;
  }
  return compared;
}

/** Of the clinic's own numbers: see src/clinic/numbers. */
export const numberSystem = 'https://hpms.example/fhir/sid/patient';

function wordsOf(name: HumanName): ReadonlySet<string> {
  return new Set(textsOf(name).flatMap(foldWords));
}

function textsOf({ text, family, given }: HumanName): string[] {
  const parts = [family, ...listOf(given)].filter((part) => typeof part === 'string');
  if (parts.length === 0 && typeof text === 'string') parts.push(text);
  return parts;
}

const phoneDigitsMin = 7;

function phonesOf({ telecom }: Patient): string[] {
  const numbers = listOf(telecom)
    .filter(({ system, value }) => typeof value === 'string' && (system === 'phone' || system === 'sms'))
    .map(({ value = '' }) => normalizeContact(value));
  return [...new Set(numbers)].filter((digits) => digits.length >= phoneDigitsMin);
}

function identifiersOf({ identifier }: Patient): Map<string, Set<string>> {
  const bySystem = new Map<string, Set<string>>();
  for (const { system, value } of listOf<Identifier>(identifier)) {
    if (typeof system !== 'string' || typeof value !== 'string') continue;
    const values = bySystem.get(system) ?? new Set();
    bySystem.set(system, values.add(value));
  }
  return bySystem;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Longer lists would make every comparison with them slower, and say no more. */
const listLengthMax = 20;

function listOf<T>(list: readonly T[] | undefined): T[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, listLengthMax).filter((one) => one !== null && one !== undefined);
}
