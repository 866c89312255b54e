// The words FHIRPath is written with: https://hl7.org/fhirpath/N1/#lexical-elements

export interface Token {
  /**
   * A `quoted` name is an element's even where it spells an operator; a `variable` comes without its %, a `special` word
   * without its $, a `date` without its @.
   */
  readonly kind: 'name' | 'quoted' | 'variable' | 'special' | 'string' | 'number' | 'date' | 'sign';
  readonly text: string;
}

/** Thrown for what is no FHIRPath, and for what a walk cannot answer. */
export class UnsupportedSyntax extends Error {}

const escaped = String.raw`\\(?:['"\`\\/fnrt]|u[0-9A-Fa-f]{4})`;
const patterns: readonly (readonly [Token['kind'], string])[] = [
  ['name', String.raw`([A-Za-z_]\w*)`],
  ['quoted', `\`((?:[^\`\\\\]|${escaped})+)\``],
  ['variable', String.raw`%([A-Za-z_]\w*)`],
  ['variable', `%[\`']((?:[^\`'\\\\]|${escaped})+)[\`']`],
  ['special', String.raw`\$(this|index|total)\b`],
  ['string', `'((?:[^'\\\\]|\\\\.)*)'`],
  ['number', String.raw`(\d+(?:\.\d+)?)`],
  ['date', String.raw`@(T\d\d[\d:.]*|\d{4}(?:-\d\d){0,2}(?:T(?:\d\d(?::\d\d){0,2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?)?)`],
  ['sign', String.raw`(!=|!~|<=|>=|[().[\]{}|=~,+\-*/&<>])`],
];
const space = String.raw`(?:\s|//[^\n]*(?:\n|$)|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*`;
const tokenPattern = new RegExp(`(?:${patterns.map(([, pattern]) => pattern).join('|')})`, 'y');
const spacePattern = new RegExp(space, 'y');

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let position = skipSpace(source, 0);
  while (position < source.length) {
    tokenPattern.lastIndex = position;
    const match = tokenPattern.exec(source);
    if (!match) throw new UnsupportedSyntax('it has a character outside of the supported syntax');
    tokens.push(toToken(match.slice(1)));
    position = skipSpace(source, tokenPattern.lastIndex);
  }
  return tokens;
}

function skipSpace(source: string, position: number): number {
  spacePattern.lastIndex = position;
  spacePattern.exec(source);
  return Math.max(position, spacePattern.lastIndex);
}

function toToken(groups: readonly (string | undefined)[]): Token {
  const index = groups.findIndex((group) => group !== undefined);
  const kind = patterns[index]?.[0] as Token['kind'];
  const text = groups[index] as string;
  const mayBeEscaped = kind === 'string' || kind === 'quoted' || kind === 'variable';
  return { kind, text: mayBeEscaped ? text.replace(/\\(u[0-9A-Fa-f]{4}|.)/gs, toCharacter) : text };
}

const escapes: Readonly<Record<string, string>> = { f: '\f', n: '\n', r: '\r', t: '\t' };

/** What is no escape stands for itself, as in the '\-' of R4's own patterns. */
function toCharacter(_: string, code: string): string {
  if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  return escapes[code] ?? code;
}
