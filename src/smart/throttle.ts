// Slows down whoever guesses, and nobody else: at most 20 failures a minute per client and 100 per network (security.md 69 to 71).

export interface Attempt {
  /** Tenant and client; undefined when the request names none. */
  readonly client: string | undefined;
  readonly network: string;
  /** It is proven by what people choose, not by 256 random bits: then a known network may not try without end either. */
  readonly isGuessable?: boolean;
}

export interface Throttle {
  /** Seconds this attempt must wait, 0 when it may go on. */
  waitSeconds(attempt: Attempt): number;
  /** Counts a failure; gives the seconds to wait when it was one too many. */
  failed(attempt: Attempt): number;
  succeeded(attempt: Attempt): void;
}

interface Window {
  failures: number;
  readonly endsAtMs: number;
}

const windowMs = 60_000;
const perClientMax = 20;
const perNetworkMax = 100;
const windowsMax = 20_000;
const knownMax = 20_000;

export function createThrottle(now: () => number = Date.now): Throttle {
  const windows = new Map<string, Window>();
  /** Clients with the networks they have come from; guessing from elsewhere must not lock them out. */
  const known = new Set<string>();

  function remainingSeconds(key: string, failuresMax: number): number {
    const window = windows.get(key);
    if (!window || window.failures < failuresMax || window.endsAtMs <= now()) return 0;
    return Math.ceil((window.endsAtMs - now()) / 1_000);
  }

  function overLimitSeconds({ client, network }: Attempt): number {
    const byClient = client === undefined ? 0 : remainingSeconds(`client ${client}`, perClientMax);
    return Math.max(byClient, remainingSeconds(`network ${network}`, perNetworkMax));
  }

  function count(key: string): void {
    const window = windows.get(key);
    if (window && window.endsAtMs > now()) {
      window.failures += 1;
      return;
    }
    windows.delete(key);
    makeRoom(windows, windowsMax);
    windows.set(key, { failures: 1, endsAtMs: now() + windowMs });
  }

  return {
    waitSeconds(attempt) {
      if (!known.has(pairOf(attempt))) return overLimitSeconds(attempt);
      return attempt.isGuessable ? remainingSeconds(`pair ${pairOf(attempt)}`, perClientMax) : 0;
    },
    failed(attempt) {
      const wait = overLimitSeconds(attempt);
      if (attempt.client !== undefined) count(`client ${attempt.client}`);
      count(`network ${attempt.network}`);
      if (attempt.isGuessable && known.has(pairOf(attempt))) count(`pair ${pairOf(attempt)}`);
      return wait;
    },
    succeeded(attempt) {
      const pair = pairOf(attempt);
      known.delete(pair);
      makeRoom(known, knownMax);
      known.add(pair);
    },
  };
}

function pairOf({ client, network }: Attempt): string {
  return `${client} ${network}`;
}

/** Both kinds of collection give their keys oldest first. */
function makeRoom(collection: Map<string, unknown> | Set<string>, entriesMax: number): void {
  for (const oldest of collection.keys()) {
    if (collection.size < entriesMax) return;
    collection.delete(oldest);
  }
}

/** An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has them all. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('%', 1).join('').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = !tail ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
