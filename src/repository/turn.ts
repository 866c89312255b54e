// Long work in slices: a bundle of 10,000 resources must not keep everybody else waiting until it is checked and encrypted.

import { setTimeout as delay } from 'node:timers/promises';

export interface Turn {
  /** True when this turn of the event loop has lasted long enough. */
  isOver(): boolean;
  /** Lets whatever waits go first. */
  next(): Promise<void>;
}

/** Whoever asks for something small comes to the event loop some five times until it is answered, and waits so long each time. */
const usualMs = 2;

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

const restMs = 12;
/** A turn of the event loop in which nobody has anything to do takes less. */
const idleMs = 0.3;

/** Of work that nobody waits for: where others have something to do between two turns, they go on with it for a while. */
export function takeBackgroundTurn(): Turn {
  const turn = takeTurn();
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
