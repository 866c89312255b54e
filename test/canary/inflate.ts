// Reads DEFLATE from any place of a file, as far as it makes sense there (zlib gives nothing when the end is missing): RFC 1951

import { BitReader, HuffmanCode } from './huffman-code.ts';

const windowBytes = 32_768;
const matchBytesMax = 258;
const outputBytesMax = 64_000_000;

const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const lengthBase = [...basesOf(3, lengthExtra.slice(0, -1)), matchBytesMax];
const distanceExtra = Array.from({ length: 30 }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));
const distanceBase = basesOf(1, distanceExtra);
/** In which order a block's head gives the lengths of the code for lengths. */
const headOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Symbols of that code that stand for repetitions: extra bits and the least count. */
const repetitions: Readonly<Record<number, readonly [extraBits: number, base: number]>> = {
  16: [2, 3],
  17: [3, 3],
  18: [7, 11],
};
const endOfBlock = 256;

function basesOf(first: number, extraBits: readonly number[]): number[] {
  let base = first;
  return extraBits.map((bits) => {
    const here = base;
    base += 2 ** bits;
    return here;
  });
}

const fixedLiterals = new HuffmanCode(288);
fixedLiterals.build(new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280), 0, 288);
const fixedDistances = new HuffmanCode(32);
fixedDistances.build(new Uint8Array(32).fill(5), 0, 32);

/** A quick look that one place in twenty passes, or fewer: what the head of a first block cannot be. */
export function mayBeDeflate(bytes: Uint8Array, at: number): boolean {
  const kind = (bytes[at]! >> 1) & 3;
  if (kind === 3 || at + 10 > bytes.length) return false;
  if (kind === 0) return isStored(bytes, at);
  return kind === 1 ? startsWithLiteral(bytes, at) : hasWholeCode(bytes, at);
}

/**
 * Its length stands there twice. An empty one, and one of the greatest length, which everywhere in a database seem to be, are
 * passed over: what they hold is readable as it is, and the block behind them is tried by itself.
 */
function isStored(bytes: Uint8Array, at: number): boolean {
  const [low, high] = [bytes[at + 1]!, bytes[at + 2]!];
  if (!isInverse(low, bytes[at + 3]!) || !isInverse(high, bytes[at + 4]!)) return false;
  return low !== high || (low !== 0 && low !== 0xff);
}

/** What stands uncompressed in the first block, and is found without reading it as a block. */
export function storedBytes(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! >> 1) & 3) === 0 ? bytes[at + 1]! | (bytes[at + 2]! << 8) : 0;
}

function isInverse(byte: number, other: number): boolean {
  return (byte ^ other) === 0xff;
}

/** By the first eight bits after the head: whether they start a repetition or the end, in the fixed code. */
const startsNoLiteral = Uint8Array.from({ length: 256 }, (_, bits) => {
  const code = [...Array(8).keys()].reduce((sum, bit) => sum * 2 + ((bits >> bit) & 1), 0);
  return code >> 1 <= 0b0010111 || code >> 3 === 0b11000 ? 1 : 0;
});

function startsWithLiteral(bytes: Uint8Array, at: number): boolean {
  return startsNoLiteral[((bytes[at]! >> 3) | (bytes[at + 1]! << 5)) & 0xff] === 0;
}

/** A code of lengths from 1 to 7 bits fills all 128 places of 7 bits. */
const placesOfLength = [0, 64, 32, 16, 8, 4, 2, 1];

function hasWholeCode(bytes: Uint8Array, at: number): boolean {
  const second = bytes[at + 1]!;
  if (bytes[at]! >> 3 > 29 || (second & 31) > 29) return false;
  const heads = 4 + ((second >> 5) | ((bytes[at + 2]! & 1) << 3));
  let places = 0;
  for (let bit = 17; bit < 17 + 3 * heads; bit += 3) {
    const byte = at + (bit >> 3);
    places += placesOfLength[((bytes[byte]! | (bytes[byte + 1]! << 8)) >> (bit & 7)) & 7]!;
  }
  return places === 128;
}

/** Can be used again and again; it keeps its buffers. */
export class Inflater {
  readonly #bits = new BitReader();
  readonly #headLengths = new Uint8Array(19);
  readonly #headCode = new HuffmanCode(19);
  readonly #lengths = new Uint8Array(286 + 30);
  readonly #literals = new HuffmanCode(286);
  readonly #distances = new HuffmanCode(30);
  /** What was handed on last, for matches, and what was not yet. */
  readonly #output = new Uint8Array(4 * windowBytes);
  #end = 0;
  #handedTo = 0;
  #total = 0;
  #onOutput: (piece: Uint8Array) => void = () => undefined;

  /** Hands on what stands there, in pieces, unless it is less than `leastBytes`, as at most places; gives how many bytes it is. */
  read(bytes: Uint8Array, offset: number, leastBytes: number, onOutput: (piece: Uint8Array) => void): number {
    this.#bits.start(bytes, offset);
    this.#end = 0;
    this.#handedTo = 0;
    this.#total = 0;
    this.#onOutput = onOutput;
    while (!this.#readBlock() && !this.#bits.ended && this.#total < outputBytesMax);
    if (this.#total === 0 && this.#end < leastBytes) return this.#end;
    this.#handOn();
    return this.#total;
  }

  /** True after the last block, and where the bits cannot be a block. */
  #readBlock(): boolean {
    const isLast = this.#bits.take(1) === 1;
    const kind = this.#bits.take(2);
    if (kind === 0) return !this.#copyStored() || isLast;
    if (kind === 1) return !this.#readSymbols(fixedLiterals, fixedDistances) || isLast;
    if (kind === 2) return !this.#readHead() || !this.#readSymbols(this.#literals, this.#distances) || isLast;
    return true;
  }

  #copyStored(): boolean {
    const [low = 0, high = 0, notLow = 0, notHigh = 0] = this.#bits.takeBytes(4);
    if (!isInverse(low, notLow) || !isInverse(high, notHigh)) return false;
    const stored = this.#bits.takeBytes(low | (high << 8));
    for (let from = 0; from < stored.length; from += windowBytes) {
      const piece = stored.subarray(from, from + windowBytes);
      if (this.#end + piece.length >= this.#output.length) this.#slide();
      this.#output.set(piece, this.#end);
      this.#end += piece.length;
    }
    return !this.#bits.ended;
  }

  #readHead(): boolean {
    const literals = this.#bits.take(5) + 257;
    const distances = this.#bits.take(5) + 1;
    const heads = this.#bits.take(4) + 4;
    if (literals > 286 || distances > 30) return false;
    this.#headLengths.fill(0);
    for (let index = 0; index < heads; index++) this.#headLengths[headOrder[index]!] = this.#bits.take(3);
    if (!this.#headCode.build(this.#headLengths, 0, 19)) return false;
    if (!this.#readLengths(literals + distances) || this.#lengths[endOfBlock] === 0) return false;
    return (
      this.#literals.build(this.#lengths, 0, literals) &&
      this.#distances.build(this.#lengths, literals, literals + distances)
    );
  }

  #readLengths(count: number): boolean {
    for (let done = 0; done < count; ) {
      const symbol = this.#headCode.read(this.#bits);
      if (symbol < 0 || this.#bits.ended) return false;
      const repetition = repetitions[symbol];
      if (!repetition) {
        this.#lengths[done++] = symbol;
        continue;
      }
      if (symbol === 16 && done === 0) return false;
      const value = symbol === 16 ? this.#lengths[done - 1]! : 0;
      const times = repetition[1] + this.#bits.take(repetition[0]);
      if (done + times > count) return false;
      this.#lengths.fill(value, done, done + times);
      done += times;
    }
    return true;
  }

  /** True at the end of the block. */
  #readSymbols(literals: HuffmanCode, distances: HuffmanCode): boolean {
    while (this.#total < outputBytesMax) {
      const symbol = literals.read(this.#bits);
      if (symbol < 0 || this.#bits.ended) return false;
      if (symbol === endOfBlock) return true;
      if (symbol < endOfBlock) this.#put(symbol);
      else if (!this.#repeat(symbol - endOfBlock - 1, distances)) return false;
    }
    return false;
  }

  #repeat(lengthSymbol: number, distances: HuffmanCode): boolean {
    if (lengthSymbol >= lengthBase.length) return false;
    const length = lengthBase[lengthSymbol]! + this.#bits.take(lengthExtra[lengthSymbol]!);
    const distanceSymbol = distances.read(this.#bits);
    if (distanceSymbol < 0 || distanceSymbol >= distanceBase.length) return false;
    const distance = distanceBase[distanceSymbol]! + this.#bits.take(distanceExtra[distanceSymbol]!);
    if (distance > this.#end || this.#bits.ended) return false;
    for (let left = length; left > 0; left--) this.#put(this.#output[this.#end - distance]!);
    return true;
  }

  #put(byte: number): void {
    if (this.#end === this.#output.length) this.#slide();
    this.#output[this.#end++] = byte;
  }

  #slide(): void {
    this.#handOn();
    this.#output.copyWithin(0, this.#end - windowBytes, this.#end);
    this.#end = windowBytes;
    this.#handedTo = windowBytes;
  }

  #handOn(): void {
    if (this.#end === this.#handedTo) return;
    this.#total += this.#end - this.#handedTo;
    this.#onOutput(this.#output.subarray(this.#handedTo, this.#end));
    this.#handedTo = this.#end;
  }
}
