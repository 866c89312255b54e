// Walks JSON text once, strictly, for what JSON.parse lets pass or cannot place: https://www.rfc-editor.org/rfc/rfc8259

import { fhirError } from './outcome.ts';

/** Deeper than any FHIR resource; JSON.stringify and recursive readers would overflow on what JSON.parse takes. */
export const nestingMax = 64;
/** https://hl7.org/fhir/R4/datatypes.html#decimal asks for 18 digits. */
export const digitsMax = 40;
/** No FHIR type has a third of these elements; objects with a million keys cost JavaScript seconds. */
const keysMax = 1000;
/** All members and array items; a 64 MB bundle of usual resources has fewer. */
export const valuesMax = 4_000_000;
/** What the map of exact numbers may cost: a body of millions of `1.0` must not become millions of pointers. */
export const exactCharactersMax = 16_000_000;
export const exactEntryCharacters = 100;

/** A longer run of blanks, or of a string without escapes, is searched for its end: that takes a third of the time. */
const nearCharacters = 64;
const notBlank = /[^ \t\n\r]/g;
const endOfRun = /["\\]|[^ -\uffff]/g;

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** After `scan`: how many members all objects have together, and the numbers whose text says more than their value. */
export class JsonScanner {
  memberCount = 0;
  readonly exactNumbers = new Map<string, string>();
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private valueCount = 0;
  private exactCharacters = 0;
  /** The pointer of the container that is open, once it was asked for. */
  private container: string | undefined;
  /** Per depth: where the current key starts, or -1 - index in an array. */
  private readonly places = new Int32Array(nestingMax + 1);
  /** Per depth: how many members the object has so far. */
  private readonly sizes = new Int32Array(nestingMax + 1);
  /** Per depth: the keys seen, only when duplicates are looked for. */
  private readonly keys: Set<string>[] | undefined;

  constructor(text: string, options: { readonly refuseDuplicates?: boolean } = {}) {
    this.text = text;
    this.keys = options.refuseDuplicates ? [] : undefined;
  }

  scan(): void {
    if (!this.text.isWellFormed()) this.fail('half a surrogate pair', firstLoneSurrogate(this.text));
    let valueComesNext = true;
    while (valueComesNext || this.depth > 0) {
      valueComesNext = valueComesNext ? this.scanValue() : this.scanSeparator();
    }
    if (!Number.isNaN(this.next())) this.fail('text after the end of the JSON value');
  }

  /** True when a further value must follow: a container was opened and is not empty. */
  private scanValue(): boolean {
    if (++this.valueCount > valuesMax) this.fail(`more than ${valuesMax} values`);
    const start = this.next();
    if (start === openBrace) return this.openObject();
    if (start === openBracket) return this.openArray();
    if (start === quote) this.scanString();
    else if (start === minus || isDigit(start)) this.scanNumber();
    else this.scanLiteral();
    return false;
  }

  /** Behind a value inside a container: a comma, or its end. */
  private scanSeparator(): boolean {
    const separator = this.next();
    const isArray = (this.places[this.depth] ?? 0) < 0;
    if (separator === (isArray ? closeBracket : closeBrace)) return this.close();
    if (separator !== comma) this.failUnexpected();
    this.at++;
    if (isArray) this.places[this.depth] = (this.places[this.depth] ?? 0) - 1;
    else this.scanKey();
    return true;
  }

  private openObject(): boolean {
    this.open(0);
    if (this.keys) this.keys[this.depth] = new Set();
    if (this.next() === closeBrace) return this.close();
    this.scanKey();
    return true;
  }

  private openArray(): boolean {
    this.open(-1);
    if (this.next() === closeBracket) return this.close();
    return true;
  }

  private open(place: number): void {
    if (this.depth === nestingMax) this.fail(`nesting deeper than ${nestingMax} levels`);
    this.depth++;
    this.container = undefined;
    this.places[this.depth] = place;
    this.sizes[this.depth] = 0;
    this.at++;
  }

  private close(): false {
    this.depth--;
    this.container = undefined;
    this.at++;
    return false;
  }

  private scanKey(): void {
    if (this.next() !== quote) this.failUnexpected();
    this.places[this.depth] = this.at;
    this.scanString();
    this.memberCount++;
    const size = (this.sizes[this.depth] ?? 0) + 1;
    this.sizes[this.depth] = size;
    if (size > keysMax) this.fail(`an object with more than ${keysMax} members`);
    if (this.keys) this.checkKey(this.keys[this.depth]);
    if (this.next() !== colon) this.failUnexpected();
    this.at++;
  }

  /** Signers and auditors may read the first of two equal keys where JavaScript keeps the last. */
  private checkKey(seen: Set<string> | undefined): void {
    const key = this.keyAt(this.depth);
    if (key === '__proto__') this.fail('the key __proto__');
    if (seen?.has(key)) this.fail(`the same key twice${this.elementName(key)}`);
    seen?.add(key);
  }

  private scanString(): void {
    const { text } = this;
    let i = this.at + 1;
    let far = i + nearCharacters;
    for (let c = text.charCodeAt(i); c !== quote; c = text.charCodeAt(i)) {
      if (c === backslash) {
        i = this.scanEscape(i);
        far = i + nearCharacters;
      } else if (c >= 0x20) i = i < far ? i + 1 : placeOf(endOfRun, text, i);
      else this.fail(i < text.length ? 'a control character in a string' : 'the end of the text inside a string', i);
    }
    this.at = i + 1;
  }

  /** The place behind an escape; a surrogate pair is one. */
  private scanEscape(start: number): number {
    const { text } = this;
    if (text[start + 1] !== 'u') {
      if (!'"\\/bfnrt'.includes(text[start + 1] ?? ' ')) this.fail('an unknown escape in a string', start);
      return start + 2;
    }
    const code = this.hexAt(start + 2);
    if (code === 0) this.fail('the character U+0000', start);
    if (code < 0xd800 || code > 0xdfff) return start + 6;
    const isPair = code < 0xdc00 && text.startsWith('\\u', start + 6);
    const low = isPair ? this.hexAt(start + 8) : 0;
    if (low < 0xdc00 || low > 0xdfff) this.fail('half a surrogate pair', start);
    return start + 12;
  }

  private hexAt(start: number): number {
    const digits = this.text.slice(start, start + 4);
    const code = /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
    if (code < 0) this.fail('a \\u escape without four hexadecimal digits', start - 2);
    return code;
  }

  private scanNumber(): void {
    const start = this.at;
    let i = this.text.charCodeAt(start) === minus ? start + 1 : start;
    const startsWithZero = this.text.charCodeAt(i) === zero;
    const integerEnd = this.scanDigits(i);
    if (startsWithZero && integerEnd > i + 1) this.fail('a number with a leading zero', start);
    let digitCount = integerEnd - i;
    i = integerEnd;
    if (this.text.charCodeAt(i) === point) {
      i = this.scanDigits(i + 1);
      digitCount += i - integerEnd - 1;
    }
    if ((this.text.charCodeAt(i) | 0x20) === 0x65) i = this.scanExponent(i);
    const isTooLong = digitCount > digitsMax || i - start > 2 * digitsMax;
    if (isTooLong) this.fail(`a number of more than ${digitsMax} digits`, start);
    // Plain integers of up to 15 digits are their own canonical text.
    if (i !== integerEnd || digitCount > 15 || (startsWithZero && start < i - 1)) this.keepExact(start, i);
    this.at = i;
  }

  private scanExponent(start: number): number {
    const sign = this.text[start + 1];
    const digits = sign === '+' || sign === '-' ? start + 2 : start + 1;
    return this.scanDigits(digits);
  }

  /** The place behind one or more digits. */
  private scanDigits(start: number): number {
    let i = start;
    while (isDigit(this.text.charCodeAt(i))) i++;
    if (i === start) this.fail('a number without digits', start);
    return i;
  }

  private keepExact(start: number, end: number): void {
    const source = this.text.slice(start, end);
    const value = Number(source);
    const isUnderflow = value === 0 && /^-?[0.]*[1-9]/.test(source);
    if (!Number.isFinite(value) || isUnderflow) this.fail('a number out of range', start);
    if (String(value) === source) return;
    const pointer = this.pointer();
    this.exactCharacters += pointer.length + exactEntryCharacters;
    if (this.exactCharacters > exactCharactersMax) this.fail('one decimal too many whose text must be kept', start);
    this.exactNumbers.set(pointer, source);
  }

  private scanLiteral(): void {
    const literal = ['true', 'false', 'null'].find((word) => this.text.startsWith(word, this.at));
    if (!literal) this.failUnexpected();
    else this.at += literal.length;
  }

  /** The next character that is no white space, NaN at the end. */
  private next(): number {
    const { text } = this;
    const far = this.at + nearCharacters;
    let c = text.charCodeAt(this.at);
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) {
      this.at = this.at < far ? this.at + 1 : placeOf(notBlank, text, this.at);
      c = text.charCodeAt(this.at);
    }
    return c;
  }

  /** JSON Pointer of the current value: https://www.rfc-editor.org/rfc/rfc6901 */
  private pointer(): string {
    if (this.depth === 0) return '';
    this.container ??= this.pointerOfContainer();
    return this.container + this.segment(this.depth);
  }

  private pointerOfContainer(): string {
    let pointer = '';
    for (let depth = 1; depth < this.depth; depth++) pointer += this.segment(depth);
    return pointer;
  }

  private segment(depth: number): string {
    const place = this.places[depth] ?? 0;
    return `/${place < 0 ? -1 - place : this.keyAt(depth).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }

  private keyAt(depth: number): string {
    const start = this.places[depth] ?? 0;
    let end = start + 1;
    while (this.text.charCodeAt(end) !== quote) end += this.text.charCodeAt(end) === backslash ? 2 : 1;
    return JSON.parse(this.text.slice(start, end + 1)) as string;
  }

  /** Only what can be an element's name is repeated. */
  private elementName(key: string): string {
    return /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(key) ? ` ("${key}")` : '';
  }

  private failUnexpected(): never {
    const found = this.text[this.at];
    if (found === undefined) this.fail('an early end of the text');
    this.fail('{}[],:"'.includes(found) ? `an unexpected ${found}` : 'an unexpected character');
  }

  /** Names the place and the kind of fault, never the text itself: it may be a patient's. */
  private fail(fault: string, at = this.at): never {
    let line = 1;
    let lineStart = 0;
    for (let end = this.text.indexOf('\n'); end >= 0 && end < at; end = this.text.indexOf('\n', lineStart)) {
      line++;
      lineStart = end + 1;
    }
    const column = at - lineStart + 1;
    throw fhirError('structure', `The JSON cannot be accepted: ${fault} at line ${line}, column ${column}.`);
  }
}

/** The end of the text where nothing matches. */
function placeOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function firstLoneSurrogate(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const isSurrogate = text.charCodeAt(i) >= 0xd800 && text.charCodeAt(i) <= 0xdfff;
    if (isSurrogate && !text.slice(i, i + 2).isWellFormed()) return i;
    if (isSurrogate) i++;
  }
  return -1;
}
