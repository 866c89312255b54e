// Lets so many pieces of work run at once; the others wait in the order they came.

export type Limited = <T>(work: () => Promise<T>) => Promise<T>;

/** Who calls it bounds how many can wait. */
export function atMost(most: number): Limited {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // Who goes next takes over the place of who leaves.
      if (next) next();
      else running--;
    }
  };
}
