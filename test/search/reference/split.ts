// Separators and escapes in search values, read for the reference evaluator: https://hl7.org/fhir/R4/search.html#escaping

/** "Whenever the characters `\`, `|`, `$` or `,` are to be part of a value, they are prepended with a backslash." */
export function splitAt(text: string, separator: ',' | '|' | '$'): string[] {
  const pieces = text.match(/\\.|[^\\]|\\$/gs) ?? [];
  const parts = [''];
  for (const piece of pieces) {
    if (piece === separator) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

export function withoutEscapes(text: string): string {
  return text.replace(/\\([\\|$,])/g, '$1');
}

export function withEscapes(text: string): string {
  return text.replace(/([\\|$,])/g, '\\$1');
}
