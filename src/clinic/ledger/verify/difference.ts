// The first thing that is not as it has to be, with the rule it breaks (domain.md 3.5).

export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I11'
  | 'I12'
  | 'I14'
  | 'I16'
  | 'shown';

/** Names ids and amounts, never people. */
export class LedgerDifference extends Error {
  override readonly name = 'LedgerDifference';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

export function requireEqual(invariant: Invariant, what: string, found: unknown, expected: unknown): void {
  if (String(found) === String(expected)) return;
  throw new LedgerDifference(invariant, `${what} is ${found}, and by the entries ${expected}.`);
}

/** Told how far it has come. */
export type Progress = (what: string, done: number) => void;
