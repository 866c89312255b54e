// Long work in slices: a bundle of 10,000 resources must not keep everybody else waiting until it is checked and encrypted.

import { setTimeout as delay } from 'node:timers/promises';

export interface Turn {
  /** True when this turn of the event loop has lasted long enough. */
  isOver(): boolean;
  /** Lets whatever waits go first. */
  next(): Promise<void>;
}

const usualMs = 4;

export function takeTurn(turnMs = usualMs): Turn {
  let beganAt = performance.now();
  return {
    isOver: () => performance.now() - beganAt >= turnMs,
    async next() {
      await new Promise((resolve) => setImmediate(resolve));
      beganAt = performance.now();
    },
  };
}

/** Of work that nobody waits for: others, who come to the event loop several times for each answer, wait so long each time. */
const backgroundMs = 3;
const restMs = 6;
/** A turn of the event loop in which nobody has anything to do takes less. */
const idleMs = 0.3;

/** Where others have something to do between two turns, this lets them go on with it for a while. */
export function takeBackgroundTurn(): Turn {
  const turn = takeTurn(backgroundMs);
  return {
    isOver: turn.isOver,
    async next() {
      const endedAt = performance.now();
      await turn.next();
      if (performance.now() - endedAt < idleMs) return;
      await delay(restMs);
      await turn.next();
    },
  };
}
