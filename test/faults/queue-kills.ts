// Starts and watches the processes of queue-process.ts, and one round of kills at every failure point.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { FailurePoint } from '../../src/jobs/observe.ts';
import { quickTiming } from '../jobs/counting-handler.ts';
import { type JobBed, until } from '../jobs/job-bed.ts';
import type { QueueProcessOptions } from './queue-process.ts';

export const failurePoints: readonly FailurePoint[] = [
  'relay-added',
  'worker-before-effect',
  'worker-after-effect',
  'worker-before-ack',
];

/** A start that was killed counts as failed; here there are many and no event may die of them. */
export const killTiming = { ...quickTiming, attemptsMax: 50 };

export interface QueueProcess {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  said(line: string): Promise<void>;
}

export function startProcess(
  bed: JobBed,
  options: Pick<QueueProcessOptions, 'killAt' | 'blockMs'> & Partial<QueueProcessOptions> = {},
): QueueProcess {
  const all: QueueProcessOptions = {
    databaseUrl: bed.database.url,
    connection: bed.queue.connection(bed.database),
    timing: killTiming,
    concurrency: 4,
    ...options,
  };
  const program = path.join(import.meta.dirname, 'queue-process.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface(child.stdout!).on('line', (line) => lines.push(line));
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    lines,
    exited,
    said: (line) => until(() => lines.includes(line)),
  };
}

/** One process after the other ends itself at its point; each `time` says at which pass. Gives what they said of it. */
export async function killAtEveryPoint(bed: JobBed, time: (point: FailurePoint) => number): Promise<string[]> {
  const interruptions: string[] = [];
  for (const point of failurePoints) {
    const running = startProcess(bed, { killAt: { point, time: time(point) } });
    const { signal } = await running.exited;
    if (signal !== 'SIGKILL') throw new Error(`The process to be killed at ${point} ended by itself: ${running.lines}`);
    interruptions.push(...running.lines.filter((line) => line.startsWith('interrupted')));
  }
  return interruptions;
}
