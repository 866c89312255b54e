// A card number is never stored, whatever field it was typed into (domain.md S3-M2-E1): ISO/IEC 7812-1, PCI DSS 3.5.

import { fhirError } from '../../fhir/outcome.ts';

/** Texts of these say where something is or when it was made, and hold no number that a person typed. */
const passedOver: ReadonlySet<string> = new Set(['reference', 'url', 'system', 'id', 'meta', 'resourceType']);
/**
 * RFC 9562 section 4: gateways name payments so, alone or as in `tx-...` and `pay_...`, and groups of its digits pass for a card's
 * number once in a few hundred.
 */
const uuid = /(?<![\da-z])[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}(?![\da-z])/gi;
const digitsMin = 13;
const digitsMax = 19;

/** Throws 422 naming the element: 13 to 19 digits, spaced or not, with the check digit of a card. */
export function refuseCardNumbers(resource: { readonly resourceType: string }, writeIndex?: number): void {
  const place = findCardNumber(resource, resource.resourceType);
  if (place === undefined) return;
  throw fhirError(
    'business-rule',
    'A card number is not stored here: send its last four digits, or the id of the authorisation.',
    {
      expression: place,
      ...(writeIndex !== undefined && { writeIndex }),
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

/**
 * Groups of digits that single spaces or hyphens join are looked at in every way in which they could be one number; those of a
 * whole UUID are none, unless it is of digits alone.
 */
export function holdsCardNumber(text: string): boolean {
  const searched = text.replace(uuid, (found) => (/[a-f]/i.test(found) ? 'x' : found));
  for (const [run] of searched.matchAll(/\d+(?:[ -]\d+)*/g)) if (holdsIn(run)) return true;
  return false;
}

/** In time that grows with the run, however it is grouped: the sums up to each place tell that of any part. */
function holdsIn(run: string): boolean {
  const groups = run.split(/[ -]/);
  const digits = groups.join('');
  const isEdge = new Uint8Array(digits.length + 1);
  isEdge[0] = 1;
  let place = 0;
  for (const group of groups) {
    place += group.length;
    isEdge[place] = 1;
  }
  const sums = [sumsOf(digits, 0), sumsOf(digits, 1)] as const;
  for (let start = 0; start + digitsMin <= digits.length; start++) {
    if (!isEdge[start]) continue;
    for (let end = start + digitsMin; end <= Math.min(start + digitsMax, digits.length); end++) {
      const sum = sums[end % 2 === 0 ? 0 : 1];
      const part = (sum[end] ?? 0) - (sum[start] ?? 0);
      // Zeros alone are nobody's.
      if (isEdge[end] && part > 0 && part % 10 === 0) return true;
    }
  }
  return false;
}

/** ISO/IEC 7812-1 annex B, the formula of Luhn, before each place: every second digit counts twice, from the last but one on. */
function sumsOf(digits: string, doubledParity: 0 | 1): Uint32Array {
  const sums = new Uint32Array(digits.length + 1);
  for (let place = 0; place < digits.length; place++) {
    const value = Number(digits[place]) * (place % 2 === doubledParity ? 2 : 1);
    sums[place + 1] = (sums[place] ?? 0) + (value > 9 ? value - 9 : value);
  }
  return sums;
}
