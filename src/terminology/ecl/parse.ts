// Reads the part of SNOMED CT's expression constraint language that is answered here: https://confluence.ihtsdotools.org/display/DOCECL

import { fhirError } from '../../fhir/outcome.ts';
import { type Expression, type Refinement, type RelativesOperator, relativesOperators } from './expression.ts';
import { notUnderstood, type Token, tokensOf } from './tokens.ts';

/** Parentheses within each other. */
const depthMax = 20;
const codePattern = /^[1-9]\d{5,17}$/;

/** Throws a FhirError (400) that names the place of what is no expression, or what is not answered here. */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokensOf(text));
  const expression = parser.expression();
  parser.expect('end');
  return expression;
}

/** By the sign or word it begins with. */
const unanswered: Readonly<Record<string, string>> = {
  '{{': 'a filter in double braces',
  '.': 'a dotted attribute',
  '[': 'a cardinality',
  R: 'a reversed attribute',
  '!=': 'the comparison !=',
  '<=': 'a comparison of numbers',
  '>=': 'a comparison of numbers',
  '#': 'a number as value',
  '"': 'a text as value',
  '!!<': 'the operator !!<',
  '!!>': 'the operator !!>',
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expect(kind: string): Token {
    const token = this.#next;
    if (token.kind !== kind) throw this.#refusal(token);
    this.#at++;
    return token;
  }

  expression(): Expression {
    const first = this.#operand();
    if (this.#take(':')) return { kind: 'refined', of: first, by: this.#refinement() };
    if (this.#take('MINUS')) {
      const expression: Expression = { kind: 'minus', from: first, without: this.#operand() };
      this.#requireParentheses();
      return expression;
    }
    return this.#list(first, () => this.#operand());
  }

  #operand(): Expression {
    const operator = relativesOperators.find((one) => this.#take(one));
    const isMembers = this.#take('^');
    const focus = this.#focus();
    if (Object.hasOwn(unanswered, this.#next.kind)) throw this.#refusal(this.#next);
    const of: Expression = isMembers ? { kind: 'members', of: focus } : focus;
    return operator === undefined ? of : { kind: 'relatives', operator: operator as RelativesOperator, of };
  }

  #focus(): Expression {
    if (this.#take('*')) return { kind: 'any' };
    if (this.#next.kind === '(') return this.#within(() => this.expression());
    const token = this.expect('id');
    if (!codePattern.test(token.text)) throw notUnderstood(token.place);
    return { kind: 'concept', code: token.text };
  }

  #refinement(): Refinement {
    return this.#list(this.#condition(), () => this.#condition());
  }

  #condition(): Refinement {
    if (this.#next.kind === '(') return this.#within(() => this.#refinement());
    if (this.#take('{')) {
      const { place } = this.#next;
      const group = this.#refinement();
      this.expect('}');
      if (group.kind === 'attribute') return group;
      throw unsupported('a group of several attributes (relationship groups are not kept)', place);
    }
    const name = this.#operand();
    this.expect('=');
    return { kind: 'attribute', name, value: this.#operand() };
  }

  /** "AND" and the comma mean the same; what stands beside each other is of one kind. */
  #list<T extends Expression | Refinement>(first: T, read: () => T): T | { kind: 'and' | 'or'; parts: T[] } {
    const kind = this.#next.kind === 'OR' ? 'or' : 'and';
    const parts = [first];
    while (kind === 'or' ? this.#take('OR') : this.#take('AND') || this.#take(',')) parts.push(read());
    this.#requireParentheses();
    return parts.length === 1 ? first : { kind, parts };
  }

  #requireParentheses(): void {
    const { kind, place } = this.#next;
    if (kind !== 'AND' && kind !== 'OR' && kind !== 'MINUS' && kind !== ',') return;
    const diagnostics = `Set parentheses where AND, OR and MINUS meet in the expression constraint, at character ${place}.`;
    throw fhirError('invalid', diagnostics, { status: 400 });
  }

  #within<T>(read: () => T): T {
    this.expect('(');
    if (++this.#depth > depthMax) {
      throw fhirError(
        'too-costly',
        `An expression constraint may have at most ${depthMax} parentheses within each other.`,
      );
    }
    const inner = read();
    this.#depth--;
    this.expect(')');
    return inner;
  }

  #take(kind: string): boolean {
    if (this.#next.kind !== kind) return false;
    this.#at++;
    return true;
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #refusal({ kind, place }: Token): Error {
    const what = unanswered[kind];
    return what === undefined ? notUnderstood(place) : unsupported(what, place);
  }
}

function unsupported(what: string, place: number): Error {
  const diagnostics = `Of the expression constraint language, ${what} is not answered here (character ${place}).`;
  return fhirError('not-supported', diagnostics, { status: 400 });
}
