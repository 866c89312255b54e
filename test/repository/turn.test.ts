// Work in turns: how often others get in between, whoever does it (README, Decisions).

import { expect, test } from '@jest/globals';
import { type Turn, takeBackgroundTurn, takeTurn } from '../../src/repository/turn.ts';

/** How often others, who have a millisecond's work whenever they come, come between two turns. */
async function comingBetween(turn: Turn): Promise<number> {
  let came = 0;
  let isOver = false;
  const come = () => {
    for (const beganAt = performance.now(); performance.now() - beganAt < 1; );
    came += 1;
    if (!isOver) setImmediate(come);
  };
  setImmediate(come);
  await turn.next();
  isOver = true;
  return came;
}

test('others come once between two turns of work that somebody waits for', async () => {
  expect(await comingBetween(takeTurn())).toBe(1);
});

test('others go on for a while between two turns of work that nobody waits for', async () => {
  expect(await comingBetween(takeBackgroundTurn())).toBeGreaterThan(1);
});
