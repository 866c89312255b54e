// Long work in slices: a bundle of 10,000 resources must not keep everybody else waiting until it is checked and encrypted.

export interface Turn {
  /** True when this turn of the event loop has lasted long enough. */
  isOver(): boolean;
  /** Lets whatever waits go first. */
  next(): Promise<void>;
}

const usualMs = 15;

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
