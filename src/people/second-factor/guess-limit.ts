// How many codes may be tried for one account: five in a quarter of an hour, so that a million guesses take decades (security.md 74; RFC 4226 section 7.3).

export interface GuessLimit {
  /** Counts a guess before it is looked at, so that many at once are no way round; gives the seconds to wait, 0 when it may be tried. */
  take(key: string): number;
  /** The guess was good. */
  clear(key: string): void;
}

interface Window {
  guesses: number;
  readonly endsAtMs: number;
}

export interface GuessBound {
  readonly guessesMax: number;
  readonly windowMs: number;
}

const usual: GuessBound = { guessesMax: 5, windowMs: 15 * 60_000 };
const windowsMax = 20_000;

/** Only whoever knows the password comes to the second step, so this locks nobody out on purpose: security.md 71. */
export function createGuessLimit(now: () => number, { guessesMax, windowMs } = usual): GuessLimit {
  const windows = new Map<string, Window>();
  return {
    take(key) {
      const window = windows.get(key);
      if (window && window.endsAtMs > now()) {
        if (window.guesses >= guessesMax) return Math.ceil((window.endsAtMs - now()) / 1_000);
        window.guesses += 1;
        return 0;
      }
      windows.delete(key);
      const oldest = windows.size >= windowsMax ? windows.keys().next().value : undefined;
      if (oldest !== undefined) windows.delete(oldest);
      windows.set(key, { guesses: 1, endsAtMs: now() + windowMs });
      return 0;
    },
    clear(key) {
      windows.delete(key);
    },
  };
}
