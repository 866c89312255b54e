// The words and signs of an expression constraint; terms in bars and comments say nothing: https://confluence.ihtsdotools.org/display/DOCECL

import { fhirError } from '../../fhir/outcome.ts';

export interface Token {
  /** A sign, an operator or keyword in capitals, `id`, or `end`. */
  readonly kind: string;
  readonly text: string;
  /** Counted from 1. */
  readonly place: number;
}

/** Characters of one expression. */
const lengthMax = 4_000;
const tokensMax = 300;

/** Longer signs before those they begin with. */
const pattern =
  /(?<blank>\s+|\/\*.*?\*\/|\|[^|]*\|)|(?<id>\d+)|(?<sign><<!|>>!|!!<|!!>|<<|>>|<!|>!|!=|<=|>=|\{\{|\}\}|\.\.|[<>^*():,={}[\].#"+])|(?<word>[A-Za-z]+)/suy;

export function tokensOf(text: string): Token[] {
  if (text.length > lengthMax) {
    throw fhirError('too-costly', `An expression constraint may have at most ${lengthMax} characters.`);
  }
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) throw notUnderstood(at + 1);
    const { blank, id, word } = found.groups as Record<string, string | undefined>;
    const own = found[0];
    const kind = id === undefined ? (word?.toUpperCase() ?? own) : 'id';
    if (blank === undefined) tokens.push({ kind, text: own, place: at + 1 });
    at += own.length;
  }
  if (tokens.length > tokensMax) {
    throw fhirError('too-costly', `An expression constraint may have at most ${tokensMax} words and signs.`);
  }
  return [...tokens, { kind: 'end', text: '', place: text.length + 1 }];
}

export function notUnderstood(place: number): Error {
  return fhirError('invalid', `The expression constraint is not understood from character ${place} on.`, {
    status: 400,
  });
}
