// Where anchors are kept, out of reach of whoever can write to the database: lines that are added and never changed.

export interface AnchorTarget {
  /** For people: where it is. */
  readonly name: string;
  /** How long to gather lines before it is worth an append. */
  readonly everyMs: number;
  /** Durable when it resolves. */
  append(lines: readonly string[]): Promise<void>;
  /** In the order they were appended; none when nothing ever was. */
  read(): AsyncIterable<string>;
}
