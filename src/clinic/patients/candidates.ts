// Finds the patients that may be the same person, by index lookups alone: who shares a number, or a name and the day of birth.

import type { Patient } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import type { ExactNumbers } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, type VersionRow } from '../../repository/stored-version.ts';
import { codeQueryTexts, prefixText, systemText } from '../../search/token-text.ts';
import type { Likeness } from './likeness.ts';

/** Texts of token-text.ts: a candidate has all of these and one of those. */
export interface Lookup {
  readonly allOf: readonly string[];
  readonly anyOf: readonly string[];
}

export interface Wanted {
  /** Of each patient. */
  readonly lookups: readonly (readonly Lookup[])[];
  /** More candidates of one lookup are not looked at. */
  readonly candidatesMax: number;
}

const identifiersMax = 10;
const phonesMax = 3;
const namesMax = 3;
const wordsMax = 4;

/**
 * Whoever has nothing of these in common scores below what is taken for a duplicate (likeness.ts), but for those who are found
 * by their name alone, which a large clinic has many of.
 */
export function lookupsOf({ names, spellings, birthDate, phones, identifiers }: Likeness): Lookup[] {
  const strong: string[] = phones
    .slice(0, phonesMax)
    .flatMap((digits) => [
      systemText('Patient.telecom', 'phone', digits),
      systemText('Patient.telecom', 'sms', digits),
    ]);
  const pairs = [...identifiers].flatMap(([system, values]) => [...values].map((value) => [system, value] as const));
  for (const [system, value] of pairs.slice(0, identifiersMax)) {
    strong.push(...codeQueryTexts('Patient.identifier', system, value));
  }
  const lookups: Lookup[] = strong.map((text) => ({ allOf: [text], anyOf: [text] }));
  const words = new Set(names.slice(0, namesMax).flatMap((name) => [...name].slice(0, wordsMax)));
  if (birthDate !== undefined && words.size > 0) {
    const written = new Set([...words].flatMap((word) => [word, ...(spellings.get(word) ?? [])]));
    lookups.push({ allOf: [`Patient.birthdate|${birthDate}`], anyOf: [...written].flatMap(textsOfWord) });
  }
  return lookups;
}

/** The two longest words of one of the names, wherever in a name they are. */
export function nameLookups({ names }: Likeness): Lookup[] {
  return names.slice(0, namesMax).flatMap((name) => {
    const [first, second] = [...name].sort((a, b) => b.length - a.length);
    if (first === undefined) return [];
    return textsOfWord(first).map((text) => ({
      allOf: [text],
      anyOf: second === undefined ? [text] : textsOfWord(second),
    }));
  });
}

/** A word is stored under the part of the name it is in, and under the whole where that has no parts. */
function textsOfWord(word: string): string[] {
  return ['Patient.family', 'Patient.given', 'Patient.name'].map((key) => prefixText(key, word));
}

export interface Candidate {
  readonly id: string;
  readonly patient: Patient;
  readonly exactNumbers?: ExactNumbers | undefined;
}

/** Of each patient, in one statement and within bounds; those that were merged into others are none. */
export async function findCandidates(session: Session, { lookups, candidatesMax }: Wanted): Promise<Candidate[][]> {
  const found: Candidate[][] = lookups.map(() => []);
  const asked = lookups.flatMap((ofPatient, position) => ofPatient.map((lookup) => ({ position, ...lookup })));
  if (asked.length === 0) return found;
  const { tokenOf } = session.cipher;
  const keyed = (texts: readonly string[]) => `{${texts.map(tokenOf).join(',')}}`;
  const values = [
    asked.map(({ position }) => position),
    asked.map(({ allOf }) => keyed(allOf)),
    asked.map(({ anyOf }) => keyed(anyOf)),
    candidatesMax,
  ];
  const rows = await session.trx.query<CandidateRow>(statementFor(asked.length * candidatesMax, values));
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  for (const { positions, ...row } of distinct(rows)) {
    const { body } = await openVersion(reader, row);
    const { value, exactNumbers } = parseJson(String(body));
    const patient = value as Patient;
    if (isReplaced(patient)) continue;
    for (const position of new Set(positions)) found[position]?.push({ id: row.id, patient, exactNumbers });
  }
  return found;
}

interface CandidateRow extends VersionRow {
  readonly positions: number[];
}

/** Several lookups find the same. */
function distinct(rows: readonly CandidateRow[]): CandidateRow[] {
  return [...Map.groupBy(rows, ({ id }) => id).values()].map((same) => ({
    ...(same[0] as CandidateRow),
    positions: same.flatMap(({ positions }) => positions),
  }));
}

/** As it is stored; more is pictures. */
const contentBytesMax = 500_000;
/** More candidates than these are weighed together. */
const fewMax = 100;
/** All bodies of the candidates of one write together. */
const candidateBytesMax = 50_000_000;

function statementFor(rowsMax: number, values: readonly unknown[]) {
  if (rowsMax > fewMax) return { text: boundedStatement, values: [...values, candidateBytesMax] };
  return { name: planName(), text: fewStatement, values };
}

let statements = 0;

/**
 * A plan is made once on a connection. One from when there were few patients reads them all, so it is made again each time
 * four times as many were asked for, up to where no plan does that any more.
 */
function planName(): string {
  statements += 1;
  return `candidates-${Math.min(Math.floor(Math.log2(statements) / 2), 6)}`;
}

/** OFFSET 0 keeps the planner from reading a whole type: see match-tokens.ts. */
const fewStatement = `
  SELECT ARRAY[l.position] AS positions, r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id
  FROM unnest($1::int[], $2::text[], $3::text[]) AS l (position, all_of, any_of)
  CROSS JOIN LATERAL (
    SELECT r.* FROM (
      SELECT r.* FROM resource r
      WHERE r.tokens @> l.all_of::bigint[] AND r.tokens && l.any_of::bigint[] OFFSET 0) r
    WHERE r.type = 'Patient' AND NOT r.deleted AND octet_length(r.content) <= ${contentBytesMax} LIMIT $4) r`;

/** Those first that most lookups find. Without a name, so that it is planned each time. */
const boundedStatement = `
  SELECT * FROM (
    SELECT a.*, sum(octet_length(a.content)) OVER (ORDER BY a.hits DESC, a.id) AS bytes
    FROM (
      SELECT DISTINCT ON (id) array_agg(position) OVER of_one AS positions, count(*) OVER of_one AS hits,
        type, id, version_id, last_updated, deleted, content, object_id
      FROM (${fewStatement.replace('ARRAY[l.position] AS positions', 'l.position')}) found
      WINDOW of_one AS (PARTITION BY id)
      ORDER BY id) a) found
  WHERE bytes <= $5`;

export function isReplaced(patient: Patient | undefined): boolean {
  return patient?.link?.some(({ type }) => type === 'replaced-by') ?? false;
}
