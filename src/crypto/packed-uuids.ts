// UUIDs in a text as the 16 bytes they are, for compression that finds repetitions only and cannot shorten digits: RFC 9562 section 4

/** Marks 16 bytes that are a UUID: no byte of UTF-8, RFC 3629 section 1. */
export const uuidMark = 0xff;

/** Behind the mark. */
export const packedUuidBytes = 16;

const textLength = 36;
const packedLength = 1 + packedUuidBytes;
const hyphen = 0x2d;
/** Where its two-digit groups begin, behind a UUID's start. */
const octets = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

const hyphens = [8, 13, 18, 23] as const;
const digits = Buffer.from('0123456789abcdef');

/** Of a character; lower case only, for what is unpacked must be what was packed. */
const digitOf = new Int8Array(256).fill(-1);
for (const [value, digit] of digits.entries()) digitOf[digit] = value;

/** `text` must not hold the mark. */
export function packUuids(text: Buffer): Buffer {
  const packed = Buffer.allocUnsafe(text.length);
  let taken = 0;
  let length = 0;
  let dash = text.indexOf(hyphen, 8);
  while (dash >= 0) {
    const start = dash - 8;
    const to = length + start - taken;
    if (start < taken || !packUuid(text, start, packed, to)) {
      dash = text.indexOf(hyphen, dash + 1);
      continue;
    }
    text.copy(packed, length, taken, start);
    length = to + packedLength;
    taken = start + textLength;
    dash = text.indexOf(hyphen, taken + 8);
  }
  return packed.subarray(0, length + text.copy(packed, length, taken));
}

/** Writes the mark and the 16 bytes; false where no UUID stands at `start`. */
function packUuid(text: Buffer, start: number, packed: Buffer, to: number): boolean {
  if (start + textLength > text.length) return false;
  if (text[start + 13] !== hyphen || text[start + 18] !== hyphen || text[start + 23] !== hyphen) return false;
  // Negative as soon as one of them is no digit.
  let all = 0;
  for (let n = 0; n < octets.length; n++) {
    const at = start + (octets[n] as number);
    const octet = ((digitOf[text[at] as number] as number) << 4) | (digitOf[text[at + 1] as number] as number);
    all |= octet;
    packed[to + 1 + n] = octet;
  }
  packed[to] = uuidMark;
  return all >= 0;
}

/** Writes the 16 bytes of one that `text` is; false where it is none that would be packed. */
export function writeUuid(text: string, to: Buffer, at: number): boolean {
  if (text.length !== textLength) return false;
  for (const dash of hyphens) if (text.charCodeAt(dash) !== hyphen) return false;
  let all = 0;
  for (let n = 0; n < octets.length; n++) {
    const place = octets[n] as number;
    const octet = (digitAt(text, place) << 4) | digitAt(text, place + 1);
    all |= octet;
    to[at + n] = octet;
  }
  return all >= 0;
}

function digitAt(text: string, at: number): number {
  return digitOf[text.charCodeAt(at)] ?? -1;
}

/** The text that was packed. */
export function unpackUuids(packed: Buffer): Buffer {
  let mark = packed.indexOf(uuidMark);
  if (mark < 0) return packed;
  const text = Buffer.allocUnsafe(Math.ceil((packed.length * textLength) / packedLength));
  let taken = 0;
  let length = 0;
  for (; mark >= 0; mark = packed.indexOf(uuidMark, taken)) {
    length += packed.copy(text, length, taken, mark);
    unpackUuid(packed, mark + 1, text, length);
    length += textLength;
    taken = mark + packedLength;
  }
  return text.subarray(0, length + packed.copy(text, length, taken));
}

function unpackUuid(packed: Buffer, from: number, text: Buffer, start: number): void {
  for (let n = 0; n < octets.length; n++) {
    const octet = packed[from + n] as number;
    const at = start + (octets[n] as number);
    text[at] = digits[octet >> 4] as number;
    text[at + 1] = digits[octet & 15] as number;
  }
  for (const dash of hyphens) text[start + dash] = hyphen;
}
