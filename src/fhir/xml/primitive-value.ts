// The value attribute of a primitive as JSON's boolean, number or string: https://hl7.org/fhir/R4/datatypes.html#primitive

// The limits of JSON's numbers, so that what was read as XML can be read again as JSON.
import { digitsMax, exactCharactersMax, exactEntryCharacters } from '../json-scanner.ts';
import { fhirError } from '../outcome.ts';
import { expressionOf, type Place, pointerOf } from './place.ts';

const decimal = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const integer = /^(?:0|[+-]?[1-9][0-9]*)$/;
const numbers: ReadonlyMap<string, RegExp> = new Map([
  ['decimal', decimal],
  ['integer', integer],
  ['positiveInt', integer],
  ['unsignedInt', integer],
]);

/** Types whose values may begin or end with white space that is theirs. */
const spaced: ReadonlySet<string> = new Set(['string', 'markdown']);

/** Reads values and keeps the texts of numbers that say more than their value, such as 1.00. */
export class PrimitiveValues {
  readonly exactNumbers = new Map<string, string>();
  private exactCharacters = 0;

  /** What is no boolean or number stays text, which the validator refuses where it can name all faults at once. */
  read(text: string, type: string, place: Place): string | number | boolean {
    if (spaced.has(type)) return text;
    const trimmed = trimXml(text);
    if (type === 'boolean') return trimmed === 'true' || (trimmed === 'false' ? false : trimmed);
    if (!numbers.get(type)?.test(trimmed)) return trimmed;
    // XML may write +5, JSON not; the plus of an exponent is fine in both.
    return this.readNumber(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed, place);
  }

  private readNumber(text: string, place: Place): string | number {
    if (text.length > 2 * digitsMax) return text;
    const value = Number(text);
    if (String(value) === text) return value;
    const isUnderflow = value === 0 && /^-?[0.]*[1-9]/.test(text);
    const digitCount = text.replace(/[eE].*/, '').replace(/[-.]/g, '').length;
    if (isUnderflow || !Number.isFinite(value) || digitCount > digitsMax) return text;
    this.keepExact(text, place);
    return value;
  }

  private keepExact(text: string, place: Place): void {
    const pointer = pointerOf(place);
    this.exactCharacters += pointer.length + exactEntryCharacters;
    if (this.exactCharacters > exactCharactersMax) {
      const expression = expressionOf(place);
      throw fhirError('structure', `${expression} is one decimal too many whose text must be kept.`, { expression });
    }
    this.exactNumbers.set(pointer, text);
  }
}

/** White space of XML only: a no-break space is text. By hand, for a pattern could take quadratic time. */
function trimXml(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
