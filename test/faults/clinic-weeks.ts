// Random weeks of a clinic while its API and its workers are killed, for the long test: domain.md I17, security.md 114, 115.

import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { weekOf } from '../clinic/week/commands.ts';
import { runWeek } from '../clinic/week/run-week.ts';
import { World } from '../clinic/week/world.ts';
import type { FaultBed } from './bed.ts';
import { seededRandom } from './load.ts';
import { type MainProcess, type RunningProcess, startMain, startWorker } from './processes.ts';
import { failurePoints, killTiming } from './queue-kills.ts';

export interface HardWeeks {
  readonly weeks: number;
  readonly commands: number;
  readonly clients: number;
  readonly seed: number;
}

/** Lets `trouble` go on beside each week, then looks at the books; gives the first difference. */
export async function weeksWith(
  bed: FaultBed,
  { weeks, commands, clients, seed }: HardWeeks,
  trouble: (isOver: () => boolean) => Promise<void>,
): Promise<string | undefined> {
  for (const [number, week] of fc.sample(weekOf(commands), { seed, numRuns: weeks }).entries()) {
    const world = await World.open(bed.a, `week-${number}`, false);
    let isOver = false;
    const running = runWeek(world, week, clients).finally(() => {
      isOver = true;
    });
    // Trouble ends with the week, also with one that fails.
    const ends = await Promise.allSettled([running, trouble(() => isOver)]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    const difference = await world.difference();
    if (difference !== undefined) return `week ${number} of seed ${seed}: ${difference}`;
  }
  return undefined;
}

/** How often something was killed. */
export interface Kills {
  api: number;
  worker: number;
}

const apiLifeMs = { least: 500, most: 3_000 };

export async function killProcesses(
  bed: FaultBed,
  hard: HardWeeks,
): Promise<{ difference: string | undefined; kills: Kills }> {
  const kills: Kills = { api: 0, worker: 0 };
  const random = seededRandom(hard.seed);
  let api = await startApi(bed);
  const killApi = async (isOver: () => boolean) => {
    while (!isOver()) {
      await delay(apiLifeMs.least + random() * (apiLifeMs.most - apiLifeMs.least));
      if (isOver()) return;
      api.child.kill('SIGKILL');
      await api.exited;
      kills.api += 1;
      api = await startApi(bed);
    }
  };
  let survivor: RunningProcess | undefined;
  const killAllWorkers = async (isOver: () => boolean) => {
    survivor?.child.kill('SIGTERM');
    await survivor?.exited;
    survivor = await killWorkers(bed, { kills, random, isOver });
  };
  const difference = await weeksWith(bed, hard, async (isOver) => {
    await Promise.all([killApi(isOver), killAllWorkers(isOver)]);
  });
  return { difference, kills };
}

async function startApi(bed: FaultBed): Promise<MainProcess> {
  const api = await startMain('api', { dataDir: bed.dataDir, databaseUrl: bed.database.url });
  bed.origin = api.origin;
  return api;
}

interface Killing {
  readonly kills: Kills;
  readonly random: () => number;
  readonly isOver: () => boolean;
}

/** Each dies at a point of its job while the week lasts; the last one lives on and does what is left. */
async function killWorkers(bed: FaultBed, { kills, random, isOver }: Killing): Promise<RunningProcess> {
  const options = { databaseUrl: bed.database.url, dataDir: bed.dataDir, timing: killTiming };
  for (let turn = 0; !isOver(); turn++) {
    const point = failurePoints[turn % failurePoints.length]!;
    const victim = startWorker({ ...options, killAt: { point, time: 1 + Math.floor(random() * 3) } });
    await Promise.race([victim.exited, untilOver(isOver)]);
    if (victim.child.exitCode === null && victim.child.signalCode === null) victim.child.kill('SIGKILL');
    await victim.exited;
    kills.worker += 1;
  }
  return startWorker(options);
}

const lookMs = 50;

async function untilOver(isOver: () => boolean): Promise<void> {
  while (!isOver()) await delay(lookMs);
}
