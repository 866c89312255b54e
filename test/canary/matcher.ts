// Finds any of thousands of byte patterns in one pass over a stream, ASCII case ignored: Aho and Corasick, doi.org/10.1145/360825.360855

export class Matcher {
  /** Bytes that no pattern has are all of class 0; a letter's two cases are one class. */
  readonly #classOf = new Uint8Array(256);
  readonly #classes: number;
  /** By state and class. */
  readonly #next: Int32Array;
  /** By state: 1 + the number of the longest pattern that ends there, or 0. */
  readonly #found: Int32Array;

  constructor(patterns: readonly Buffer[]) {
    this.#classes = this.#makeClasses(patterns);
    const statesMax = patterns.reduce((sum, { length }) => sum + length, 1);
    this.#next = new Int32Array(statesMax * this.#classes);
    this.#found = new Int32Array(statesMax);
    const states = this.#makeTrie(patterns);
    this.#addFailures(states);
  }

  #makeClasses(patterns: readonly Buffer[]): number {
    let classes = 1;
    for (const pattern of patterns) {
      for (const byte of pattern) {
        const folded = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
        if (this.#classOf[folded] === 0) this.#classOf[folded] = classes++;
      }
    }
    for (let upper = 0x41; upper <= 0x5a; upper++) this.#classOf[upper] = this.#classOf[upper + 0x20]!;
    return classes;
  }

  #makeTrie(patterns: readonly Buffer[]): number {
    let states = 1;
    for (const [index, pattern] of patterns.entries()) {
      let state = 0;
      for (const byte of pattern) {
        const edge = state * this.#classes + this.#classOf[byte]!;
        if (this.#next[edge] === 0) this.#next[edge] = states++;
        state = this.#next[edge]!;
      }
      this.#found[state] ||= index + 1;
    }
    return states;
  }

  /** Where the trie has no edge, the one that the longest proper suffix of what was read has. */
  #addFailures(states: number): void {
    const failure = new Int32Array(states);
    const queue = [0];
    for (const state of queue) {
      for (let byteClass = 0; byteClass < this.#classes; byteClass++) {
        const edge = state * this.#classes + byteClass;
        const target = this.#next[edge]!;
        const fallback = this.#next[failure[state]! * this.#classes + byteClass]!;
        if (target === 0) {
          this.#next[edge] = state === 0 ? 0 : fallback;
          continue;
        }
        failure[target] = state === 0 ? 0 : fallback;
        this.#found[target] ||= this.#found[failure[target]!]!;
        queue.push(target);
      }
    }
  }

  /** Goes on from `state` (0 at the start of a stream) and gives the state after the last byte. */
  run(bytes: Uint8Array, state: number, onFound: (pattern: number, endOffset: number) => void): number {
    const classOf = this.#classOf;
    const classes = this.#classes;
    const next = this.#next;
    const found = this.#found;
    let current = state;
    for (let offset = 0; offset < bytes.length; offset++) {
      current = next[current * classes + classOf[bytes[offset]!]!]!;
      if (found[current] !== 0) onFound(found[current]! - 1, offset + 1);
    }
    return current;
  }
}
