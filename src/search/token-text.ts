// The texts under which values are stored as keyed tokens and looked up again: the one place that normalises, for extraction
// and queries alike: https://hl7.org/fhir/R4/search.html#token

import { foldWords, prefixOf } from './fold-text.ts';

/** Where a token belongs: `Patient.identifier`, or `Patient.general-practitioner:identifier`. */
export type TokenKey = string;

/** Longer prefixes are looked up by this many characters and rechecked on the resource. */
export const prefixLengthMax = 10;

/**
 * Code systems whose own specification says that case does not matter: LOINC, language tags (RFC 5646), media types (RFC 2045).
 * All others are compared as they are written.
 */
const caseInsensitiveSystems: ReadonlySet<string> = new Set(['http://loinc.org', 'urn:ietf:bcp:47', 'urn:ietf:bcp:13']);

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
  return /^[\d\s()+./x#*-]+$/.test(value) ? value.replace(/\D/g, '') : value.trim().toLowerCase();
}

/** What is stored for a string: each prefix of each word, long words in full as well, and the raw text for `:exact`. */
export function stringTexts(key: TokenKey, value: string): string[] {
  const texts = [exactText(key, value)];
  for (const word of foldWords(value)) {
    const longest = Math.min(word.length, prefixLengthMax);
    for (let length = 1; length <= longest; length++) texts.push(`${key}|${prefixOf(word, length)}`);
    if (word.length > longest) texts.push(`${key}|${word}`);
  }
  return texts;
}

/** The token that holds every word starting with this one, or more when the word is longer than `prefixLengthMax`. */
export function prefixText(key: TokenKey, word: string): string {
  return `${key}|${prefixOf(word, prefixLengthMax)}`;
}

export function exactText(key: TokenKey, value: string): string {
  return `${key}:exact|${value}`;
}

/** A canonical or uri: itself, and without its version. */
export function uriTexts(key: TokenKey, value: string): string[] {
  const bar = value.indexOf('|');
  if (bar < 0) return [valueText(key, value)];
  return [valueText(key, value), valueText(key, value.slice(0, bar))];
}

/** A day, month or year (`2024-05-01`, `2024-05`, `2024`) that the stored date lies in, or touches. */
export function calendarText(key: TokenKey, period: string): string {
  return `${key}|${period}`;
}

/** The bar parts, so that no value can pass for another one: `a|b` as a code is not `b` in system `a`. */
function escapePart(part: string): string {
  return part.includes('|') || part.includes('\\') ? part.replace(/[\\|]/g, '\\$&') : part;
}
