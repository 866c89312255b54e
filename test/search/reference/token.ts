// Token parameters: https://hl7.org/fhir/R4/search.html#token

import { type Asked, listOf, type Members, membersOf, type World } from './asked.ts';
import { splitAt, withoutEscapes } from './split.ts';
import { startsWith } from './string.ts';

interface Code {
  readonly system: string | undefined;
  readonly code: string;
  /** A primitive's system is implied by its binding: "the system is defined in the value set (though it's not usually needed)". */
  readonly isPrimitive: boolean;
  readonly isContact: boolean;
}

export function matchesToken({ modifier, raw, values, world }: Asked): boolean {
  switch (modifier) {
    case undefined:
      return values.flatMap(codesOf).some((code) => isAsked(code, raw));
    // "The search parameter is processed as a string that searches text associated with the code/value - either
    // CodeableConcept.text, Coding.display, or Identifier.type.text."
    case 'text':
      return values.flatMap(textsOf).some((text) => startsWith([text], withoutEscapes(raw)));
    // "The search parameter has the format system|code|value, where the system and code refer to an
    // Identifier.type.coding.system and .code, and match if any of the type codes match. All 3 parts must be present."
    case 'of-type':
      return values.some((value) => isOfType(membersOf(value), raw));
    // "The search parameter is a URI (relative or absolute) that identifies a value set, and the search parameter tests
    // whether the coding is in the specified value set."
    case 'in':
      return values.flatMap(codesOf).some((code) => isMember(code, withoutEscapes(raw), world));
    default:
      throw new Error(`No reading of the token modifier ${modifier}`);
  }
}

/**
 * "[parameter]=[code]: irrespective of the value of the system property; [system]|[code]: the code/value matches in the system;
 * |[code]: the Coding/Identifier has no system property; [system]|: any element in the system, irrespective of its value."
 */
function isAsked(own: Code, raw: string): boolean {
  const [first = '', second] = splitAt(raw, '|').map(withoutEscapes);
  if (own.isContact) return own.code === spoken(second ?? first) && (second === undefined || own.system === first);
  if (second === undefined) return isSameCode(own, first) || (!own.isPrimitive && own.code === first.toLowerCase());
  const isOfSystem = own.isPrimitive || (own.system ?? '') === first;
  return isOfSystem && (second === '' ? first !== '' : isSameCode(own, second));
}

/**
 * "Some code systems are case sensitive (e.g. UCUM) while others are known not to be": these are known, the others are
 * compared as they are written. Without a system the lower case of what was asked will do as well.
 */
const insensitive: ReadonlySet<string | undefined> = new Set([
  'http://loinc.org',
  'urn:ietf:bcp:47',
  'urn:ietf:bcp:13',
]);

function isSameCode({ system, code }: Code, asked: string): boolean {
  return insensitive.has(system) ? code.toLowerCase() === asked.toLowerCase() : code === asked;
}

/**
 * The table of R4: Coding by system and code; CodeableConcept: "Matches against any coding"; Identifier by system and value;
 * ContactPoint by its value; code, boolean, id, string, uri by themselves.
 */
function codesOf(value: unknown): Code[] {
  if (typeof value === 'string' || typeof value === 'boolean') {
    return [{ system: undefined, code: String(value), isPrimitive: true, isContact: false }];
  }
  const { coding, system, code, value: own } = membersOf(value);
  if (coding !== undefined) return listOf(coding).flatMap(codesOf);
  const text = code ?? own;
  if (typeof text !== 'string') return [];
  const isContact = contactSystems.has(system);
  const spelt = isContact ? spoken(text) : text;
  return [{ system: system as string | undefined, code: spelt, isPrimitive: false, isContact }];
}

/** Codes of R4, where the system of any other value is a URI. */
const contactSystems: ReadonlySet<unknown> = new Set(['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other']);

/** How a phone number is spaced says nothing, nor the case of an address. */
export function spoken(contact: string): string {
  return /[a-z]/i.test(contact) ? contact.trim().toLowerCase() : contact.replace(/[^0-9]/g, '');
}

function textsOf(value: unknown): string[] {
  const { coding, text, display, type } = membersOf(value);
  const ofCodings = listOf(coding).map((one) => membersOf(one).display);
  return [text, display, membersOf(type).text, ...ofCodings].filter((one) => typeof one === 'string');
}

function isOfType({ type, value }: Members, raw: string): boolean {
  const [system, code, asked] = splitAt(raw, '|').map(withoutEscapes);
  const codings = listOf(membersOf(type).coding).map(membersOf);
  return value === asked && codings.some((one) => one.system === system && one.code === code);
}

/** Of value sets that list their codes or take whole code systems. */
function isMember(own: Code, valueSet: string, { resources, byPlace, codeSystems = [] }: World): boolean {
  const found =
    byPlace.get(valueSet) ?? resources.find((one) => one.resourceType === 'ValueSet' && one.url === valueSet);
  const includes = listOf(membersOf(membersOf(found).compose).include).map(membersOf);
  return includes.some(({ system, concept }) => {
    if (!own.isPrimitive && own.system !== system) return false;
    const all = codeSystems.find(({ url }) => url === system)?.concept;
    return listOf(concept ?? all).some((one) => isSameCode(own, String(membersOf(one).code)));
  });
}
