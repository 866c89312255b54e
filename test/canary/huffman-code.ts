// The bits and Huffman codes of a DEFLATE stream: https://www.rfc-editor.org/rfc/rfc1951#section-3.2

/** Least significant bit first; zeros after the end. */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array();
  #offset = 0;
  #held = 0;
  #heldBits = 0;

  start(bytes: Uint8Array, offset: number): void {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** More was taken than there is. */
  get ended(): boolean {
    return this.#offset * 8 - this.#heldBits > this.#bytes.length * 8;
  }

  /** At most 16 bits, which `drop` then takes. */
  peek(count: number): number {
    while (this.#heldBits < count) {
      const byte = this.#offset < this.#bytes.length ? this.#bytes[this.#offset]! : 0;
      this.#held |= byte << this.#heldBits;
      this.#offset += 1;
      this.#heldBits += 8;
    }
    return this.#held & ((1 << count) - 1);
  }

  drop(count: number): void {
    this.#held >>>= count;
    this.#heldBits -= count;
  }

  take(count: number): number {
    const taken = this.peek(count);
    this.drop(count);
    return taken;
  }

  /** From the next whole byte on; fewer at the end. */
  takeBytes(count: number): Uint8Array {
    const start = this.#offset - (this.#heldBits >> 3);
    this.start(this.#bytes, start + count);
    return this.#bytes.subarray(start, start + count);
  }
}

const bitsMax = 15;
const shortBits = 9;

/** Canonical: the codes of one length are consecutive numbers in the order of their symbols. */
export class HuffmanCode {
  /** By length in bits. */
  readonly #counts = new Uint16Array(bitsMax + 1);
  /** By length, where its symbols end among all. */
  readonly #ends = new Uint16Array(bitsMax + 1);
  readonly #symbols: Uint16Array;
  /** By the next bits, for the codes that are no longer: symbol times 16 plus length; 0 for the others. */
  readonly #short = new Uint16Array(1 << shortBits);

  constructor(symbolsMax: number) {
    this.#symbols = new Uint16Array(symbolsMax);
  }

  /** From the lengths of all symbols; false where they make no code. One with gaps has at most one symbol. */
  build(lengths: Uint8Array, from: number, to: number): boolean {
    const counts = this.#counts.fill(0);
    for (let place = from; place < to; place++) counts[lengths[place]!]!++;
    const used = to - from - counts[0]!;
    counts[0] = 0;
    let free = 1;
    for (let bits = 1; bits <= bitsMax; bits++) {
      free = free * 2 - counts[bits]!;
      if (free < 0) return false;
      this.#ends[bits] = this.#ends[bits - 1]! + counts[bits - 1]!;
    }
    if (free > 0 && used > 1) return false;
    for (let place = from; place < to; place++) {
      const bits = lengths[place]!;
      if (bits > 0) this.#symbols[this.#ends[bits]!++] = place - from;
    }
    this.#fillShort();
    return true;
  }

  #fillShort(): void {
    this.#short.fill(0);
    let code = 0;
    for (let length = 1; length <= shortBits; length++) {
      const count = this.#counts[length]!;
      for (let index = 0; index < count; index++, code++) {
        const entry = this.#symbols[this.#ends[length]! - count + index]! * 16 + length;
        // The first bit of a code is the most significant of the number, and the least significant of what is peeked.
        for (let bits = reverse(code, length); bits < 1 << shortBits; bits += 1 << length) this.#short[bits] = entry;
      }
      code *= 2;
    }
  }

  /** The next symbol, or -1 where the bits are no code of this. */
  read(bits: BitReader): number {
    const entry = this.#short[bits.peek(shortBits)]!;
    if (entry === 0) return this.#readLong(bits);
    bits.drop(entry & 15);
    return entry >> 4;
  }

  #readLong(bits: BitReader): number {
    let code = 0;
    let first = 0;
    for (let length = 1; length <= bitsMax; length++) {
      code = code * 2 + bits.take(1);
      const count = this.#counts[length]!;
      if (code - first < count) return this.#symbols[this.#ends[length]! - count + code - first]!;
      first = (first + count) * 2;
    }
    return -1;
  }
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
  return reversed;
}
