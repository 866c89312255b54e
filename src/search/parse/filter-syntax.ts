// The syntax of `_filter` as a tree: https://hl7.org/fhir/R4/search_filter.html

import { fhirError } from '../../fhir/outcome.ts';

export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  | { readonly kind: 'test'; readonly name: string; readonly operator: string; readonly value: string };

/** Throws a FhirError (400) that names the place of what cannot be read. */
export function readFilter(text: string): FilterNode {
  return new FilterReader(text).read();
}

const depthMax = 10;
const testsMax = 50;

/** A name, an operator and a token end at white space; a string of JSON may hold anything. */
const word = /[\w:.-]+/y;
const string = /"(?:[^"\\]|\\.)*"/y;
const token = /[^\s()[\]"]+/y;
const space = /\s*/y;

class FilterReader {
  readonly #text: string;
  #place = 0;
  #tests = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): FilterNode {
    const node = this.#logical(0);
    if (this.#place < this.#text.length) throw this.#invalid('"and", "or" or its end');
    return node;
  }

  /** From left to right: neither operator binds more closely than the other. */
  #logical(depth: number): FilterNode {
    if (depth > depthMax) throw fhirError('too-costly', `_filter takes at most ${depthMax} parentheses in each other.`);
    let node = this.#term(depth);
    for (;;) {
      const kind = this.#takeConjunction();
      if (!kind) return node;
      const next = this.#term(depth);
      node = { kind, nodes: node.kind === kind ? [...node.nodes, next] : [node, next] };
    }
  }

  #term(depth: number): FilterNode {
    if (this.#take('(')) return this.#closed(depth);
    if (!this.#isNegation()) return this.#test();
    this.#takeWord('not');
    if (!this.#take('(')) throw this.#invalid('a parenthesis after "not"');
    return { kind: 'not', node: this.#closed(depth) };
  }

  #closed(depth: number): FilterNode {
    const node = this.#logical(depth + 1);
    if (!this.#take(')')) throw this.#invalid('"and", "or" or a closing parenthesis');
    return node;
  }

  #test(): FilterNode {
    if (++this.#tests > testsMax) throw fhirError('too-costly', `_filter takes at most ${testsMax} comparisons.`);
    const name = this.#match(word);
    if (name === undefined) throw this.#invalid('the name of a search parameter');
    if (this.#text[this.#place] === '[') throw this.#invalid('a name without brackets, which are not supported');
    const operator = this.#match(word);
    if (operator === undefined) throw this.#invalid('an operator such as eq');
    return { kind: 'test', name, operator, value: this.#value() };
  }

  #value(): string {
    const quoted = this.#match(string);
    const value = quoted === undefined ? this.#match(token) : stringOf(quoted);
    if (value === undefined || value === '') throw this.#invalid('a value');
    return value;
  }

  #isNegation(): boolean {
    return /^not\s*\(/.test(this.#text.slice(this.#place));
  }

  #takeConjunction(): 'and' | 'or' | undefined {
    if (this.#takeWord('and')) return 'and';
    return this.#takeWord('or') ? 'or' : undefined;
  }

  #takeWord(wanted: string): boolean {
    const before = this.#place;
    if (this.#match(word) === wanted) return true;
    this.#place = before;
    return false;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#place] !== character) return false;
    this.#place++;
    this.#skipSpace();
    return true;
  }

  /** Takes what is next, and the white space around it. */
  #match(pattern: RegExp): string | undefined {
    this.#skipSpace();
    pattern.lastIndex = this.#place;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#place += found.length;
    this.#skipSpace();
    return found;
  }

  #skipSpace(): void {
    space.lastIndex = this.#place;
    this.#place += space.exec(this.#text)?.[0].length ?? 0;
  }

  #invalid(wanted: string): Error {
    return fhirError('invalid', `_filter cannot be read: at character ${this.#place + 1} it should have ${wanted}.`);
  }
}

function stringOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
