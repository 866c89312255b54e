// The ways a text may be written into a file: as it is, in another case, or in one of the usual encodings.

export interface Spelling {
  /** As what a hit is reported: `plain`, `hex of upper case`. */
  readonly encoding: string;
  /** A matcher that ignores the case of ASCII letters finds them. */
  readonly bytes: Buffer;
}

type Encode = (text: string) => Buffer[];

const encodings: Readonly<Record<string, Encode>> = {
  plain: (text) => [Buffer.from(text)],
  'UTF-16': (text) => [inUtf16(text)],
  hex: (text) => [Buffer.from(Buffer.from(text).toString('hex'))],
  base64: (text) => inBase64(text, 'base64'),
  base64url: (text) => inBase64(text, 'base64url'),
  'percent-encoded': (text) => [Buffer.from(encodeURIComponent(text)), inPercents(text)],
  'JSON escapes': (text) => [Buffer.from(eachByte(text, (byte) => `\\u${byte.toString(16).padStart(4, '0')}`, ''))],
  'list of bytes': (text) => [Buffer.from(eachByte(text, String, ','))],
};

const cases: Readonly<Record<string, (text: string) => string>> = {
  '': (text) => text,
  ' of lower case': (text) => text.toLowerCase(),
  ' of upper case': (text) => text.toUpperCase(),
};

/** Each sequence of bytes once, under the first of its names. */
export function spellingsOf(text: string): Spelling[] {
  const byBytes = new Map<string, Spelling>();
  for (const [ofCase, inCase] of Object.entries(cases)) {
    for (const [encoding, encode] of Object.entries(encodings)) {
      for (const bytes of encode(inCase(text))) {
        const key = bytes.toString('latin1').toLowerCase();
        if (!byBytes.has(key)) byBytes.set(key, { encoding: encoding + ofCase, bytes });
      }
    }
  }
  return [...byBytes.values()];
}

/** Without the zero before or behind, which is all that little and big endian differ in for ASCII. */
function inUtf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le').subarray(0, -1);
}

/** For each of the three places a text may have within groups of three bytes, the digits that hold nothing but the text. */
function inBase64(text: string, alphabet: 'base64' | 'base64url'): Buffer[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map((before) => {
    const digits = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
    const [firstBit, endBit] = [before * 8, (before + bytes.length) * 8];
    return Buffer.from(digits.slice(Math.ceil(firstBit / 6), Math.floor(endBit / 6)));
  });
}

function inPercents(text: string): Buffer {
  return Buffer.from(eachByte(text, (byte) => `%${byte.toString(16).padStart(2, '0')}`, ''));
}

function eachByte(text: string, write: (byte: number) => string, between: string): string {
  return [...Buffer.from(text)].map(write).join(between);
}
