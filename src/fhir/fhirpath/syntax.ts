// FHIRPath read into a tree: https://hl7.org/fhirpath/N1/#grammar

import { DecimalNumber } from './system/decimal-number.ts';
import { isCalendarUnit, SystemQuantity } from './system/quantity.ts';
import { parseTemporal, type Temporal } from './system/temporal.ts';
import { type Token, tokenize, UnsupportedSyntax } from './tokens.ts';

/** A tree node; `of` is the expression whose result the node works on, `focus` the collection the whole expression starts from. */
export type Expression =
  | { readonly kind: 'focus' }
  | { readonly kind: 'empty' }
  /** `%resource`, `%ucum`, ... */
  | { readonly kind: 'variable'; readonly name: string }
  /** What an iteration knows of itself. */
  | { readonly kind: 'special'; readonly name: 'index' | 'total' }
  | { readonly kind: 'typeRoot'; readonly type: string }
  | { readonly kind: 'literal'; readonly value: LiteralValue }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: Expression }
  | CallExpression
  | TypeExpression
  | BinaryExpression
  | { readonly kind: 'negative'; readonly of: Expression };

export interface CallExpression {
  readonly kind: 'call';
  readonly of: Expression;
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface TypeExpression {
  readonly kind: 'type';
  readonly of: Expression;
  readonly operator: 'as' | 'is';
  /** Without `FHIR.`; a type of the language itself keeps its `System.`. */
  readonly type: string;
}

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export type LiteralValue = string | number | boolean | DecimalNumber | SystemQuantity | Temporal;

/** Loosest first: https://hl7.org/fhirpath/N1/#operator-precedence */
const precedence = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!=', '~', '!~'],
  ['<', '>', '<=', '>='],
  ['|'],
  ['is', 'as'],
  ['+', '-', '&'],
  ['*', '/', 'div', 'mod'],
] as const;

export type BinaryOperator = Exclude<(typeof precedence)[number][number], 'is' | 'as'>;

const focus: Expression = { kind: 'focus' };
const depthMax = 50;

/** Reads an expression of at most so many words, or throws UnsupportedSyntax. */
export function parseExpression(source: string, wordsMax = Number.POSITIVE_INFINITY): Expression {
  const tokens = tokenize(source);
  if (tokens.length > wordsMax) throw new UnsupportedSyntax(`it has more than ${wordsMax} words`);
  const reader = new Reader(tokens);
  const expression = reader.binary(0);
  reader.expectEnd();
  return expression;
}

class Reader {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  binary(level: number): Expression {
    const operators = precedence[level];
    if (!operators) return this.#polarity();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((candidate) => this.#peek() === candidate);
      if (!operator) return left;
      this.#position++;
      if (operator === 'is' || operator === 'as') left = { kind: 'type', of: left, operator, type: this.#typeName() };
      else left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
  }

  expectEnd(): void {
    if (this.#position !== this.#tokens.length) throw new UnsupportedSyntax('something unexpected follows its end');
  }

  #polarity(): Expression {
    let isNegative = false;
    let hasSign = false;
    for (; this.#isSign('+') || this.#isSign('-'); this.#position++) {
      hasSign = true;
      if (this.#isSign('-')) isNegative = !isNegative;
    }
    const of = this.#path();
    if (!hasSign || (!isNegative && of.kind === 'literal')) return of;
    const negative: Expression = { kind: 'negative', of };
    return isNegative ? negative : { kind: 'negative', of: negative };
  }

  #path(): Expression {
    let expression = this.#term();
    for (;;) {
      if (this.#accept('.')) expression = this.#invocation(expression);
      else if (this.#accept('[')) expression = this.#index(expression);
      else return expression;
    }
  }

  #term(): Expression {
    if (this.#accept('(')) return this.#parenthesized(')');
    if (this.#accept('{')) {
      this.#expect('}');
      return { kind: 'empty' };
    }
    const literal = this.#literal();
    if (literal !== undefined) return { kind: 'literal', value: literal };
    const token = this.#tokens[this.#position];
    if (token?.kind === 'variable') {
      this.#position++;
      return { kind: 'variable', name: token.text };
    }
    const special = this.#special(token);
    if (special) return special;
    return this.#startsWithType(token) ? { kind: 'typeRoot', type: this.#name() } : this.#invocation(focus);
  }

  #special(token: Token | undefined): Expression | undefined {
    if (token?.kind !== 'special') return undefined;
    this.#position++;
    return token.text === 'this' ? focus : { kind: 'special', name: token.text as 'index' | 'total' };
  }

  #literal(): LiteralValue | undefined {
    const { kind, text = '' } = this.#tokens[this.#position] ?? {};
    const isBoolean = kind === 'name' && (text === 'true' || text === 'false');
    if (!isBoolean && kind !== 'string' && kind !== 'number' && kind !== 'date') return undefined;
    this.#position++;
    if (isBoolean) return text === 'true';
    if (kind === 'number') return this.#number(text);
    if (kind !== 'date') return text;
    const temporal = parseTemporal(text);
    if (!temporal) throw new UnsupportedSyntax('a date or time in it is not in the calendar');
    return temporal;
  }

  /** A number, or a quantity: `4 'mg'`, `2 days`. */
  #number(text: string): LiteralValue {
    const number = text.includes('.') ? DecimalNumber.parse(text) : Number(text);
    if (number === undefined || (typeof number === 'number' && !Number.isSafeInteger(number)))
      throw new UnsupportedSyntax('a number in it has too many digits');
    const next = this.#tokens[this.#position];
    const hasUnit = next?.kind === 'string' || (next?.kind === 'name' && isCalendarUnit(next.text));
    if (!hasUnit) return number;
    this.#position++;
    return new SystemQuantity(DecimalNumber.from(number) ?? DecimalNumber.zero, next.text, next.kind === 'name');
  }

  #startsWithType(token: Token | undefined): boolean {
    const isName = token?.kind === 'name' || token?.kind === 'quoted';
    return isName && /^[A-Z]/.test(token.text) && this.#tokens[this.#position + 1]?.text !== '(';
  }

  #parenthesized(end: ')' | ']'): Expression {
    if (++this.#depth > depthMax) throw new UnsupportedSyntax('its parentheses are nested too deep');
    const expression = this.binary(0);
    this.#expect(end);
    this.#depth--;
    return expression;
  }

  #index(of: Expression): Expression {
    return { kind: 'index', of, index: this.#parenthesized(']') };
  }

  #invocation(of: Expression): Expression {
    const token = this.#tokens[this.#position];
    const special = this.#special(token);
    if (special) return special;
    const name = this.#name();
    if (!this.#accept('(')) return { kind: 'member', of, name };
    if (name === 'as' || name === 'ofType' || name === 'is') {
      const type = this.#typeName();
      this.#expect(')');
      return { kind: 'type', of, operator: name === 'is' ? 'is' : 'as', type };
    }
    return { kind: 'call', of, name, args: this.#arguments() };
  }

  #arguments(): Expression[] {
    if (this.#accept(')')) return [];
    if (++this.#depth > depthMax) throw new UnsupportedSyntax('its parentheses are nested too deep');
    const args = [this.binary(0)];
    while (this.#accept(',')) args.push(this.binary(0));
    this.#expect(')');
    this.#depth--;
    return args;
  }

  #typeName(): string {
    const name = this.#name();
    if ((name !== 'FHIR' && name !== 'System') || !this.#accept('.')) return name;
    return name === 'FHIR' ? this.#name() : `System.${this.#name()}`;
  }

  #name(): string {
    const token = this.#tokens[this.#position++];
    if (token?.kind !== 'name' && token?.kind !== 'quoted') throw new UnsupportedSyntax('a name is missing in it');
    return token.text;
  }

  #peek(): string | undefined {
    const token = this.#tokens[this.#position];
    return token?.kind === 'name' || token?.kind === 'sign' ? token.text : undefined;
  }

  #isSign(sign: string): boolean {
    const token = this.#tokens[this.#position];
    return token?.kind === 'sign' && token.text === sign;
  }

  #accept(sign: string): boolean {
    if (!this.#isSign(sign)) return false;
    this.#position++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#accept(sign)) throw new UnsupportedSyntax(`a ${sign} is missing in it`);
  }
}
