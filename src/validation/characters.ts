// Which characters a text may hold; what nearly all texts are is seen by one pattern: https://hl7.org/fhir/R4/datatypes.html#string

// biome-ignore lint/suspicious/noControlCharactersInRegex: "Strings SHALL NOT contain Unicode character points below 32, except for u0009, u000D and u000A".
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: half a surrogate pair has no UTF-8 form either.
const suspicious = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;
const plainToken = /^[!-~]+$/;

/** Nothing that XML 1.0 has no way to write either, U+FFFE and U+FFFF: https://www.w3.org/TR/xml/#charsets */
export function isText(value: string): boolean {
  return !suspicious.test(value) || (!control.test(value) && value.isWellFormed());
}

/** Of what a character reference such as `&#x41;` stands for. */
export function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d;
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff);
}

/** At least one character, none of them white space or control. */
export function isToken(value: string): boolean {
  return plainToken.test(value) || (value.length > 0 && !/[\s\x7f]/.test(value) && isText(value));
}

/** No white space at either end, and never two together: https://hl7.org/fhir/R4/datatypes.html#code */
export function isSpacedOnce(value: string): boolean {
  return plainToken.test(value) || (value.length > 0 && !/^\s|\s\s|\s$/.test(value) && isText(value));
}
