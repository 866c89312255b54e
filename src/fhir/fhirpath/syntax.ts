// The part of FHIRPath that search parameters are written in, read into a tree: https://hl7.org/fhirpath/N1/#grammar

/** A tree node; `of` is the expression whose result the node works on, `focus` the collection the whole expression starts from. */
export type Expression =
  | { readonly kind: 'focus' }
  | { readonly kind: 'typeRoot'; readonly type: string }
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

export type BinaryOperator = '|' | '=' | '!=' | 'and' | 'or';

/** Thrown for what this part of the language leaves out; the caller then takes the full evaluator. */
export class UnsupportedSyntax extends Error {}

const focus: Expression = { kind: 'focus' };
const tokenPattern = /\s*(?:([A-Za-z_]\w*)|`([^`]+)`|'((?:[^'\\]|\\['\\])*)'|(\d+(?:\.\d+)?)|(!=|[().[\]|=,]))/y;
/** Loosest first: https://hl7.org/fhirpath/N1/#operator-precedence */
const precedence: readonly (readonly BinaryOperator[])[] = [['or'], ['and'], ['=', '!='], ['|']];
const depthMax = 50;

interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'sign';
  readonly text: string;
}

/** Reads an expression, or throws UnsupportedSyntax. */
export function parseExpression(source: string): Expression {
  const reader = new Reader(tokenize(source));
  const expression = reader.binary(0);
  reader.expectEnd();
  return expression;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const text = source.trimEnd();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text);
    if (!match) throw new UnsupportedSyntax('A character outside of the supported syntax.');
    tokens.push(toToken(match));
  }
  return tokens;
}

function toToken([, name, quotedName, string, number, sign]: RegExpExecArray): Token {
  if (name !== undefined || quotedName !== undefined) return { kind: 'name', text: (name ?? quotedName) as string };
  if (string !== undefined) return { kind: 'string', text: string.replace(/\\(.)/g, '$1') };
  if (number !== undefined) return { kind: 'number', text: number };
  return { kind: 'sign', text: sign as string };
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
    if (this.#position !== this.#tokens.length) throw new UnsupportedSyntax('Something follows the expression.');
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
    const token = this.#tokens[this.#position];
    if (token?.kind === 'string' || token?.kind === 'number') {
      this.#position++;
      return { kind: 'literal', value: token.kind === 'string' ? token.text : Number(token.text) };
    }
    if (this.#accept('(')) return this.#parenthesized();
    if (token?.text === 'true' || token?.text === 'false') {
      this.#position++;
      return { kind: 'literal', value: token.text === 'true' };
    }
    return this.#startsWithType(token) ? { kind: 'typeRoot', type: this.#name() } : this.#invocation(focus);
  }

  #startsWithType(token: Token | undefined): boolean {
    return token?.kind === 'name' && /^[A-Z]/.test(token.text) && this.#tokens[this.#position + 1]?.text !== '(';
  }

  #parenthesized(): Expression {
    if (++this.#depth > depthMax) throw new UnsupportedSyntax('Too many nested parentheses.');
    const expression = this.binary(0);
    this.#expect(')');
    this.#depth--;
    return expression;
  }

  #index(of: Expression): Expression {
    const token = this.#tokens[this.#position++];
    if (token?.kind !== 'number') throw new UnsupportedSyntax('An index that is not a number.');
    this.#expect(']');
    return { kind: 'index', of, index: Number(token.text) };
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
    if (token?.kind !== 'name') throw new UnsupportedSyntax('A name was expected.');
    return token.text;
  }

  #peek(): string | undefined {
    const token = this.#tokens[this.#position];
    return token?.kind === 'string' ? undefined : token?.text;
  }

  #accept(sign: string): boolean {
    const token = this.#tokens[this.#position];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#position++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#accept(sign)) throw new UnsupportedSyntax(`${sign} was expected.`);
  }
}
