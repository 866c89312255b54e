// Tells a header that was sent twice, of which Node keeps the first without a word: RFC 9110 section 5.3

/** `rawHeaders` as Node gives them, names and values in turn; `name` in small letters. */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] as string;
    if (header.length === name.length && header.toLowerCase() === name) count += 1;
  }
  return count > 1;
}
