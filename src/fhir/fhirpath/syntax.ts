// The part of FHIRPath that search parameters and patches are written in, read into a tree: https://hl7.org/fhirpath/N1/#grammar

import { type Token, tokenize, UnsupportedSyntax } from './tokens.ts';

/** A tree node; `of` is the expression whose result the node works on, `focus` the collection the whole expression starts from. */
export type Expression =
  | { readonly kind: 'focus' }
  /** The resource, also inside of a criterion. */
  | { readonly kind: 'root' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'typeRoot'; readonly type: string }
  /** Dates are texts here as they are in JSON. */
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: number }
  | { readonly kind: 'call'; readonly of: Expression; readonly name: string; readonly argument: Expression | undefined }
  | { readonly kind: 'type'; readonly of: Expression; readonly operator: 'as' | 'is'; readonly type: string }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    };

export type BinaryOperator = '|' | '=' | '!=' | '~' | '!~' | 'in' | 'contains' | 'and' | 'or' | 'xor' | 'implies';

const focus: Expression = { kind: 'focus' };
/** Loosest first: https://hl7.org/fhirpath/N1/#operator-precedence */
const precedence: readonly (readonly BinaryOperator[])[] = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!=', '~', '!~'],
  ['|'],
];
const depthMax = 50;

/** Reads an expression, or throws UnsupportedSyntax. */
export function parseExpression(source: string): Expression {
  const reader = new Reader(tokenize(source));
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
    if (!operators) return this.#typeTest();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((candidate) => this.#peek() === candidate);
      if (!operator) return left;
      this.#position++;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
  }

  expectEnd(): void {
    if (this.#position !== this.#tokens.length) throw new UnsupportedSyntax('something unexpected follows its end');
  }

  #typeTest(): Expression {
    let of = this.#path();
    for (;;) {
      const operator = this.#peek();
      if (operator !== 'as' && operator !== 'is') return of;
      this.#position++;
      of = { kind: 'type', of, operator, type: this.#typeName() };
    }
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
    if (this.#accept('(')) return this.#parenthesized();
    if (this.#accept('{')) {
      this.#expect('}');
      return { kind: 'empty' };
    }
    const literal = this.#literal();
    if (literal) return literal;
    const token = this.#tokens[this.#position];
    if (token?.kind === 'variable') return this.#variable(token.text);
    return this.#startsWithType(token) ? { kind: 'typeRoot', type: this.#name() } : this.#invocation(focus);
  }

  #literal(): Expression | undefined {
    const { kind, text = '' } = this.#tokens[this.#position] ?? {};
    const isBoolean = kind === 'name' && (text === 'true' || text === 'false');
    if (!isBoolean && kind !== 'string' && kind !== 'number' && kind !== 'date') return undefined;
    this.#position++;
    if (isBoolean) return { kind: 'literal', value: text === 'true' };
    return { kind: 'literal', value: kind === 'number' ? Number(text) : withoutTimeMark(text, kind) };
  }

  /** https://hl7.org/fhir/R4/fhirpath.html#variables; `$this` is what a criterion looks at. */
  #variable(name: string): Expression {
    this.#position++;
    if (name === 'this') return focus;
    if (name === 'resource' || name === 'rootResource' || name === 'context') return { kind: 'root' };
    throw new UnsupportedSyntax('it has a variable other than %resource and $this');
  }

  #startsWithType(token: Token | undefined): boolean {
    const isName = token?.kind === 'name' || token?.kind === 'quoted';
    return isName && /^[A-Z]/.test(token.text) && this.#tokens[this.#position + 1]?.text !== '(';
  }

  #parenthesized(): Expression {
    if (++this.#depth > depthMax) throw new UnsupportedSyntax('its parentheses are nested too deep');
    const expression = this.binary(0);
    this.#expect(')');
    this.#depth--;
    return expression;
  }

  #index(of: Expression): Expression {
    const token = this.#tokens[this.#position++];
    const index = token?.kind === 'number' ? Number(token.text) : Number.NaN;
    if (!Number.isInteger(index)) throw new UnsupportedSyntax('an index in it is no whole number');
    this.#expect(']');
    return { kind: 'index', of, index };
  }

  #invocation(of: Expression): Expression {
    const name = this.#name();
    if (!this.#accept('(')) return { kind: 'member', of, name };
    if (name === 'as' || name === 'ofType' || name === 'is') {
      const type = this.#typeName();
      this.#expect(')');
      return { kind: 'type', of, operator: name === 'is' ? 'is' : 'as', type };
    }
    if (this.#accept(')')) return { kind: 'call', of, name, argument: undefined };
    return { kind: 'call', of, name, argument: this.#parenthesized() };
  }

  #typeName(): string {
    const name = this.#name();
    return (name === 'FHIR' || name === 'System') && this.#accept('.') ? this.#name() : name;
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

  #accept(sign: string): boolean {
    const token = this.#tokens[this.#position];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#position++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#accept(sign)) throw new UnsupportedSyntax(`a ${sign} is missing in it`);
  }
}

/** `@T12:00` is the time 12:00, and `@2012T` a date and time of which only the year is known. */
function withoutTimeMark(text: string, kind: string | undefined): string {
  return kind === 'date' ? text.replace(/^T|T$/g, '') : text;
}
