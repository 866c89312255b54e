// Asks again and again until something is there.

import { setTimeout as sleep } from 'node:timers/promises';

/** Undefined when the deadline has passed and the last look still found nothing. */
export async function waitFor<T>(
  look: () => Promise<T | undefined>,
  { everyMs, deadlineMs }: { readonly everyMs: number; readonly deadlineMs: number },
): Promise<T | undefined> {
  const endAt = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || performance.now() >= endAt) return found;
    await sleep(everyMs);
  }
}
