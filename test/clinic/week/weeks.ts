// Random weeks, each of a clinic of its own, until one leaves books that do not agree: https://fast-check.dev/docs/core-blocks/runners/

import fc from 'fast-check';
import { createTenant } from '../../../src/tenants/create-tenant.ts';
import { fetchToken, send, type TestServer } from '../../support/server.ts';
import type { Requester } from './books.ts';
import { weekOf } from './commands.ts';
import { runWeek } from './run-week.ts';
import { World } from './world.ts';

export interface Weeks {
  /** A clinic without anything in it. */
  readonly open: () => Promise<Requester>;
  /** What one of them is told can be foreseen, and is. */
  readonly clients: number;
  readonly commands: number;
  readonly weeks: number;
  readonly seed: number;
}

/** The first week that is wrong, with what is wrong and the seed that repeats it; undefined where none is. */
export async function findBadWeek({ open, clients, commands, weeks, seed }: Weeks): Promise<string | undefined> {
  let number = 0;
  const property = fc.asyncProperty(weekOf(commands), async (week) => {
    const world = await World.open(await open(), `week-${clients}-${number++}`, clients === 1);
    await runWeek(world, week, clients);
    const difference = await world.difference();
    if (difference !== undefined) throw new Error(difference);
  });
  // A shorter week is another one where eight act at once: nothing is to be shrunk.
  const { failed, errorInstance, counterexamplePath } = await fc.check(property, {
    ...{ seed, numRuns: weeks, endOnFailure: true },
  });
  return failed ? `Week ${counterexamplePath} of seed ${seed}: ${String(errorInstance)}` : undefined;
}

let tenants = 0;

/** Its tokens live five minutes, a week of it for seconds. */
export async function newTenant({ app, origin }: TestServer): Promise<Requester> {
  const name = `clinic-${tenants++}`;
  const { clientId, clientSecret } = await createTenant(app.doors, { name });
  const token = await fetchToken(origin, name, clientId, clientSecret);
  return {
    request: (method, path, body, headers = {}) =>
      send(`${origin}/t/${name}/fhir${path}`, method, body, { Authorization: `Bearer ${token}`, ...headers }),
  };
}
