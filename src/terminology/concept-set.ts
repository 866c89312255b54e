// A set of the concepts of one code system: by their numbers, one bit each, so that filters of 350,000 concepts are combined within microseconds.

/** Numbers count from 0 in the order the code system lists its concepts. */
export class ConceptSet {
  /** Concepts of the code system, in the set or not. */
  readonly size: number;
  readonly #words: Uint32Array;

  constructor(size: number, words = new Uint32Array(Math.ceil(size / 32))) {
    this.size = size;
    this.#words = words;
  }

  static all(size: number): ConceptSet {
    const set = new ConceptSet(size);
    set.addSpan(0, size - 1);
    return set;
  }

  static of(size: number, ids: Iterable<number>): ConceptSet {
    const set = new ConceptSet(size);
    for (const id of ids) set.add(id);
    return set;
  }

  add(id: number): void {
    if (id < 0 || id >= this.size) return;
    this.#words[id >>> 5] = (this.#words[id >>> 5] as number) | (1 << (id & 31));
  }

  /** Both ends are in it. */
  addSpan(low: number, high: number): void {
    for (let id = low; id <= high; id++) {
      // Whole words at once.
      if ((id & 31) === 0 && id + 31 <= high) {
        this.#words[id >>> 5] = 0xffffffff;
        id += 31;
      } else this.add(id);
    }
  }

  has(id: number): boolean {
    return id >= 0 && id < this.size && (((this.#words[id >>> 5] as number) >>> (id & 31)) & 1) === 1;
  }

  and(other: ConceptSet): ConceptSet {
    return this.#combine(other, (a, b) => a & b);
  }

  or(other: ConceptSet): ConceptSet {
    return this.#combine(other, (a, b) => a | b);
  }

  without(other: ConceptSet): ConceptSet {
    return this.#combine(other, (a, b) => a & ~b);
  }

  get count(): number {
    let count = 0;
    for (const word of this.#words) count += bitsIn(word);
    return count;
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  /** In their order, from the one at `offset` on, `count` of them at most. */
  slice(offset: number, count: number): number[] {
    const ids: number[] = [];
    let before = 0;
    for (let index = 0; index < this.#words.length && ids.length < count; index++) {
      const word = this.#words[index] as number;
      const here = bitsIn(word);
      if (before + here > offset) {
        for (let bit = 0; bit < 32 && ids.length < count; bit++) {
          if ((word >>> bit) & 1 && before++ >= offset) ids.push(index * 32 + bit);
        }
      } else before += here;
    }
    return ids;
  }

  #combine(other: ConceptSet, combine: (a: number, b: number) => number): ConceptSet {
    const words = this.#words.map((word, index) => combine(word, other.#words[index] as number));
    return new ConceptSet(this.size, words);
  }
}

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
