// A card number is never stored, whatever field it was typed into (domain.md S3-M2-E1): ISO/IEC 7812-1, PCI DSS 3.5.

import { fhirError } from '../../fhir/outcome.ts';

/** Texts of these say where something is or when it was made, and hold no number that a person typed. */
const passedOver: ReadonlySet<string> = new Set(['reference', 'url', 'system', 'id', 'meta', 'resourceType']);
const digitsMin = 13;
const digitsMax = 19;

/** Throws 422 naming the element: 13 to 19 digits, spaced or not, with the check digit of a card. */
export function refuseCardNumbers(resource: { readonly resourceType: string }, writeIndex: number): void {
  const place = findCardNumber(resource, resource.resourceType);
  if (place === undefined) return;
  throw fhirError(
    'business-rule',
    'A card number is not stored here: send its last four digits, or the id of the authorisation.',
    {
      expression: place,
      writeIndex,
    },
  );
}

function findCardNumber(node: unknown, place: string): string | undefined {
  if (typeof node === 'string') return holdsCardNumber(node) ? place : undefined;
  if (typeof node !== 'object' || node === null) return undefined;
  for (const [key, child] of Object.entries(node)) {
    if (passedOver.has(key)) continue;
    const found = findCardNumber(child, Array.isArray(node) ? `${place}[${key}]` : `${place}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Groups of digits that single spaces or hyphens join are looked at in every way in which they could be one number. */
export function holdsCardNumber(text: string): boolean {
  for (const [run] of text.matchAll(/\d+(?:[ -]\d+)*/g)) {
    const groups = run.split(/[ -]/);
    for (const start of groups.keys()) if (beginsCardNumber(groups, start)) return true;
  }
  return false;
}

function beginsCardNumber(groups: readonly string[], start: number): boolean {
  let digits = '';
  for (let end = start; end < groups.length && digits.length <= digitsMax; end++) {
    digits += groups[end];
    if (digits.length >= digitsMin && digits.length <= digitsMax && hasCheckDigit(digits)) return true;
  }
  return false;
}

/** ISO/IEC 7812-1 annex B: the formula of Luhn. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0 && /[1-9]/.test(digits);
}
