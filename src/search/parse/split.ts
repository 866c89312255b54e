// Separators and escapes in search values: https://hl7.org/fhir/R4/search.html#escaping

export type Separator = ',' | '|' | '$';

/** Splits at separators that no backslash escapes; the parts keep their escapes. */
export function splitValue(text: string, separator: Separator): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** Turns `\,` `\|` `\$` `\\` into what they stand for; any other backslash is a character like others. */
export function unescapeValue(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,|$\\])/g, '$1') : text;
}

export function escapeValue(text: string): string {
  return text.replace(/[,|$\\]/g, '\\$&');
}
