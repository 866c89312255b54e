// Lets a random week happen, by one client or by several at once.

import { type Command, isVisitKind } from './commands.ts';
import { moneyActions } from './money-actions.ts';
import { visitActions } from './visit-actions.ts';
import type { World } from './world.ts';

/** Each client takes the next command as soon as it is through with its last. */
export async function runWeek(world: World, commands: readonly Command[], clients: number): Promise<void> {
  const left = commands.values();
  const work = async () => {
    for (const command of left) await act(world, command);
  };
  await Promise.all(Array.from({ length: clients }, work));
}

async function act(world: World, command: Command): Promise<void> {
  const { kind } = command;
  const action = isVisitKind(kind) ? visitActions[kind] : moneyActions[kind];
  await action(world, command);
}
