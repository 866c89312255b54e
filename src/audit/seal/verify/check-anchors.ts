// What is anchored outside is what the database still has; whoever cut its end off, or brought back an older one, is ahead of nobody.

import type { Head } from '../head.ts';
import { isOurs } from './check-heads.ts';
import { SealDifference } from './difference.ts';

/** What the tree was when it had so many leaves, as somebody else knows it. */
export interface Milestone {
  readonly size: number;
  readonly root: Buffer;
  /** Who says so. */
  readonly by: string;
}

/** Objects are anchored once a minute, and a store may be away for a while. */
const patienceMs = 300_000;

/** Throws where one was not made here. */
export function milestonesOf(anchors: readonly Head[], key: string): Milestone[] {
  return anchors.map((anchor) => {
    const by = nameOf(anchor);
    if (!isOurs(anchor, key))
      throw new SealDifference('anchor', `${by} is not signed by the key of this installation.`);
    return { size: anchor.size, root: anchor.root, by };
  });
}

/** After the tree was found sound: that nothing of its end is missing. Gives the last anchor. */
export function checkAnchors(anchors: readonly Head[], last: Head | undefined, now: Date): Head | undefined {
  const size = last?.size ?? 0;
  for (const anchor of anchors) requireReached({ ...anchor, by: nameOf(anchor) }, last);
  const anchored = anchors.at(-1);
  if (last && (anchored?.size ?? 0) < size && now.getTime() - last.at.getTime() > patienceMs) {
    const what = anchored ? `Behind ${nameOf(anchored)} (${anchored.size} events) no other` : 'No anchor';
    throw new SealDifference(
      'anchor',
      `${what} is there, though ${size} events were sealed by ${last.at.toISOString()}.`,
    );
  }
  return anchored;
}

/** Throws where the tree is smaller than somebody knows that it was. */
export function requireReached({ size, by }: Milestone, last: Head | undefined): void {
  if (size <= (last?.size ?? 0)) return;
  const what = `${by} knows of ${size} events, the database of ${last?.size ?? 0}`;
  throw new SealDifference('behind-anchor', `${what}: its end was cut off, or an older state was brought back.`);
}

function nameOf({ at }: Head): string {
  return `The anchor of ${at.toISOString()}`;
}
