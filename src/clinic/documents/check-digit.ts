// One character more that tells a number that was typed or scanned wrongly: ISO/IEC 7064, MOD 37,36.

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Of the letters and digits of a number; others do not count. */
export function checkDigitOf(number: string): string {
  let product = 36;
  for (const character of number.toUpperCase()) {
    const value = alphabet.indexOf(character);
    if (value < 0) continue;
    const sum = (product + value) % 36 || 36;
    product = (sum * 2) % 37;
  }
  return alphabet[(37 - product) % 36] as string;
}
