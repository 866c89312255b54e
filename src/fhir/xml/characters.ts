// Text as XML 1.0 can hold it, in attributes and between tags: https://www.w3.org/TR/xml/#charsets

/** `fail` is called for what XML 1.0 has no way to write: most control characters, U+FFFE, U+FFFF, half surrogate pairs. */
export function escapeXml(text: string, fail: (codePoint: string) => never): string {
  if (!special.test(text)) return text;
  return text.replace(specials, (character) => escapes[character] ?? fail(codePointOf(character)));
}

// All but the characters that stand for themselves; with the flag u only lone surrogates are outside of these ranges.
const special = /[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const specials = new RegExp(special.source, 'gu');

/** White space as references: a parser turns each tab and line end that stands in an attribute itself into a space. */
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function codePointOf(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
