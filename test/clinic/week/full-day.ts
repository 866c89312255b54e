// A day that has something of everything a checker looks at: visits to the end, Invoices paid, open, corrected and cancelled, money back, a settled drawer.

import type { TestServer } from '../../support/server.ts';
import { today } from '../payments/till.ts';
import type { Requester } from './books.ts';
import type { Command } from './commands.ts';
import { runWeek } from './run-week.ts';
import { newTenant } from './weeks.ts';
import { World } from './world.ts';

export async function makeDay(server: TestServer): Promise<Requester> {
  const clinic = await newTenant(server);
  const world = await World.open(clinic, `day-${today()}`, true);
  const step = (kind: Command['kind'], more: Partial<Command> = {}): Command => ({
    ...{ kind, which: 0, other: 1, slot: 0, cents: 5_000 },
    ...more,
  });
  const visits = [0, 1, 2].flatMap((slot) => [
    step('book', { slot, other: 3 }),
    ...Array.from({ length: 4 }, () => step('advance', { other: 1 })),
  ]);
  await runWeek(world, [...visits, step('issue')], 1);
  await runWeek(
    world,
    [
      // In full, in part, too much, from credit; then some of it back.
      ...[step('pay', { other: 2 }), step('invoice'), step('invoice', { which: 1 }), step('invoice', { which: 2 })],
      ...[
        step('pay', { which: 1, other: 3, cents: 1_000 }),
        step('pay', { which: 2, other: 5 }),
        step('deposit', { which: 3 }),
      ],
      ...[step('refund', { cents: 500, other: 2 }), step('note', { which: 3, cents: 300, other: 2 })],
      ...[step('invoice', { which: 5 }), step('cancel invoice', { which: 4, other: 2 }), step('void', { which: 2 })],
      ...[step('invoice', { which: 7 }), step('pay', { which: 4, other: 2 })],
      ...[step('settle', { which: 1 })],
    ],
    1,
  );
  const difference = await world.difference();
  if (difference !== undefined) throw new Error(difference);
  return clinic;
}
