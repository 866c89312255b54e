// How many refusals are told one by one: whoever is not let in may ask as often as he likes, and must not fill the log (security.md 122).

import { createGuessLimit, type GuessBound } from '../people/second-factor/guess-limit.ts';
import { networkOf } from '../smart/throttle.ts';

/** Of one network, in one tenant's log; what comes beyond it is told by its number. */
const toldOfNetwork: GuessBound = { guessesMax: 100, windowMs: 60_000 };

/** Whether this one is told by itself. */
export type RefusalBound = (tenantId: number, address: string | undefined) => boolean;

export function createRefusalBound(now: () => number = Date.now): RefusalBound {
  const told = createGuessLimit(now, toldOfNetwork);
  return (tenantId, address = '') => told.take(`${tenantId} ${networkOf(address)}`) === 0;
}
