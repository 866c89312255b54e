// The texts under which values are stored as keyed tokens and looked up again: the one place that normalises, for extraction
// and queries alike: https://hl7.org/fhir/R4/search.html#token

import { prefixOf } from './fold-text.ts';
import { partsOfCanonical, placesAbove, versionsAbove } from './uri-places.ts';

/** Where a token belongs: `Patient.identifier`, or `Patient.general-practitioner:identifier`. */
export type TokenKey = string;

/** Longer prefixes are looked up by this many characters and rechecked on the resource. */
export const prefixLengthMax = 10;

/**
 * Code systems whose own specification says that case does not matter: LOINC, language tags (RFC 5646), media types (RFC 2045).
 * All others are compared as they are written.
 */
const caseInsensitiveSystems: ReadonlySet<string> = new Set(['http://loinc.org', 'urn:ietf:bcp:47', 'urn:ietf:bcp:13']);

export function isCaseInsensitive(system: string): boolean {
  return caseInsensitiveSystems.has(system);
}

/** A value on its own: a code without its system, a boolean, a uri, a reference. */
export function valueText(key: TokenKey, value: string): string {
  return `${key}|${escapePart(value)}`;
}

/** A value in a system; without system for the query `|code`, without code for `system|`. */
export function systemText(key: TokenKey, system: string, code: string): string {
  return `${key}|${escapePart(system)}|${escapePart(code)}`;
}

/** What is stored for a code or an identifier: `code`, `system|code` (or `|code`), `system|`. */
export function codeTexts(key: TokenKey, system: string | undefined, code: string): string[] {
  const stored = system !== undefined && caseInsensitiveSystems.has(system) ? code.toLowerCase() : code;
  const texts = [valueText(key, stored), systemText(key, system ?? '', stored)];
  if (system) texts.push(systemText(key, system, ''));
  return texts;
}

/**
 * What a query looks for, any of these. Without a system the lower-case form is looked up too, for the case-insensitive
 * systems are stored so.
 */
export function codeQueryTexts(key: TokenKey, system: string | undefined, code: string): string[] {
  if (system !== undefined)
    return [systemText(key, system, caseInsensitiveSystems.has(system) ? code.toLowerCase() : code)];
  return [...new Set([valueText(key, code), valueText(key, code.toLowerCase())])];
}

/** Phone numbers by their digits, everything else without case: https://hl7.org/fhir/R4/search.html#string leaves it to the server. */
export function normalizeContact(value: string): string {
  return /^(?=.*\d)[\d\s()+./x#*-]+$/.test(value) ? value.replace(/\D/g, '') : foldCase(value.trim());
}

/** One text for all that differ in case alone: ß is written SS, and ẞ is a large ß. */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase();
}

/** What a string search looks up for a word, shortest first: each of its prefixes. */
export function prefixTexts(key: TokenKey, word: string): string[] {
  const longest = Math.min(word.length, prefixLengthMax);
  const texts: string[] = [];
  for (let length = 1; length <= longest; length++) texts.push(`${key}|${prefixOf(word, length)}`);
  return texts;
}

/** The token that holds every word starting with this one, or more when the word is longer than `prefixLengthMax`. */
export function prefixText(key: TokenKey, word: string): string {
  return `${key}|${prefixOf(word, prefixLengthMax)}`;
}

/** The raw text, for `:exact`. */
export function exactText(key: TokenKey, value: string): string {
  return `${key}:exact|${value}`;
}

/** Each three characters of a word that stand together: what holds the word inside one of its own has them all, for `:contains`. */
export function tripleTexts(key: TokenKey, word: string): string[] {
  const texts: string[] = [];
  for (let start = 0; start + 3 <= word.length; start++) texts.push(`${key}:part|${word.slice(start, start + 3)}`);
  return texts;
}

/** AuditEvents outnumber everything, and hardly anybody asks for the middle of a name there: it is found by reading. */
export function hasTriples(key: TokenKey): boolean {
  return !key.startsWith('AuditEvent.');
}

/** Words of text that is no string parameter are stored by so many characters, and rechecked on the resource. */
export const wordStartLength = 4;

/** The key of all words of a type: `Observation:words`. */
export function wordsKey(type: string): TokenKey {
  return `${type}:words`;
}

/** The token of every word that begins as this one does; a shorter word has one of its own. */
export function wordStartText(key: TokenKey, word: string): string {
  return `${key}|${prefixOf(word, wordStartLength)}`;
}

/** A canonical or uri: itself, and without its version; and each place above it: https://hl7.org/fhir/R4/search.html#uri */
export function uriTexts(key: TokenKey, value: string): string[] {
  const { url, version } = partsOfCanonical(value);
  const texts = [valueText(key, value), ...placesAbove(url).map((place) => belowText(key, place))];
  if (version === undefined) return texts;
  texts.push(valueText(key, url), ...versionsAbove(version).map((above) => belowText(key, `${url}|${above}`)));
  return texts;
}

/** The token of whatever is below this url, or this version. */
export function belowText(key: TokenKey, place: string): string {
  return `${key}:below|${place}`;
}

/** A day, month or year (`2024-05-01`, `2024-05`, `2024`) that the stored date lies in, or touches. */
export function calendarText(key: TokenKey, period: string): string {
  return `${key}|${period}`;
}

/** A unit as it is spelled, by code or for people: https://hl7.org/fhir/R4/search.html#quantity */
export function unitText(key: TokenKey, spelling: string): string {
  return `${key}:unit|${spelling}`;
}

/** A cell of geo-cells.ts. */
export function cellText(key: TokenKey, cell: string): string {
  return `${key}:cell|${cell}`;
}

/** The bar parts, so that no value can pass for another one: `a|b` as a code is not `b` in system `a`. */
function escapePart(part: string): string {
  return part.includes('|') || part.includes('\\') ? part.replace(/[\\|]/g, '\\$&') : part;
}
