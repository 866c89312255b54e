// The first thing that is not as it was sealed, in words that name it.

export type DifferenceKind =
  /** A row whose content or time is another one. */
  | 'edited'
  /** Two rows have each other's content. */
  | 'swapped'
  | 'deleted'
  /** A row that nobody sealed. */
  | 'inserted'
  /** A row that is sealed and that the server did not write. */
  | 'forged'
  /** A row whose search tokens are not those of its content. */
  | 'tokens'
  /** Rows would be in a file, which nobody vouches for. */
  | 'archive'
  /** Leaves or heads are not there. */
  | 'gap'
  /** Leaves or heads are others. */
  | 'rewritten'
  /** An anchor knows more than the database. */
  | 'behind-anchor'
  /** An anchor is missing, or not one of this installation. */
  | 'anchor'
  /** What is asked for is not sealed. */
  | 'unsealed'
  /** What is asked for was never there. */
  | 'unknown';

/** Names ids, times and numbers, never what an event says. */
export class SealDifference extends Error {
  override readonly name = 'SealDifference';
  readonly kind: DifferenceKind;

  constructor(kind: DifferenceKind, what: string) {
    super(`${kind}: ${what}`);
    this.kind = kind;
  }
}

export function eventName(id: string, lastUpdated: Date): string {
  return `AuditEvent/${id} of ${lastUpdated.toISOString()}`;
}

export type SealProgress = (done: number, total: number) => void;
