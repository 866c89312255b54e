// The words FHIRPath is written with: https://hl7.org/fhirpath/N1/#lexical-elements

export interface Token {
  /** A `quoted` name is an element's even where it spells an operator; a `variable` comes without its % or $. */
  readonly kind: 'name' | 'quoted' | 'variable' | 'string' | 'number' | 'date' | 'sign';
  readonly text: string;
}

/** Thrown for what this part of the language leaves out. */
export class UnsupportedSyntax extends Error {}

const tokenPattern =
  /\s*(?:([A-Za-z_]\w*)|`([^`]+)`|[%$]([A-Za-z]\w*)|'((?:[^'\\]|\\['"`\\/fnrt]|\\u[0-9A-Fa-f]{4})*)'|(\d+(?:\.\d+)?)|@(T?\d[\dT:.Z+-]*)|(!=|!~|[().[\]{}|=~,]))/y;
const kinds: readonly Token['kind'][] = ['name', 'quoted', 'variable', 'string', 'number', 'date', 'sign'];

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const text = source.trimEnd();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text);
    if (!match) throw new UnsupportedSyntax('it has a character outside of the supported syntax');
    tokens.push(toToken(match.slice(1)));
  }
  return tokens;
}

function toToken(groups: readonly (string | undefined)[]): Token {
  const index = groups.findIndex((group) => group !== undefined);
  const kind = kinds[index] as Token['kind'];
  const text = groups[index] as string;
  return { kind, text: kind === 'string' ? text.replace(/\\(u....|.)/g, toCharacter) : text };
}

const escapes: Readonly<Record<string, string>> = { f: '\f', n: '\n', r: '\r', t: '\t' };

function toCharacter(_: string, escaped: string): string {
  if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
  return escapes[escaped] ?? escaped;
}
