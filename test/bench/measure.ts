// Measures the server and the floor in turns, so that whatever drifts meets both.

import { cpuSecondsOf, cpuSecondsOfTree } from './cpu-time.ts';
import { drive } from './driver.ts';
import type { Scenario } from './scenarios.ts';

export interface Target {
  readonly name: 'server' | 'floor';
  readonly origin: string;
  readonly basePath: string;
  readonly pid: number;
  readonly authorization: () => Promise<string>;
}

export interface Plan {
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** Turns of server and floor that the measured time is parted into. */
  readonly rounds: number;
  readonly postmasterPid: number;
}

export interface Figures {
  /** Requests, or resources of a transaction. */
  readonly perSecond: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time a call took, in microseconds. */
  readonly cpuMicroseconds: { readonly client: number; readonly app: number; readonly postgres: number };
}

type Sums = { seconds: number; latenciesMs: number[]; client: number; app: number; postgres: number };

/** Numbers of calls go on over warm-ups and rounds: no body is sent twice. */
export async function measureInTurns(
  scenario: Scenario,
  targets: readonly Target[],
  plan: Plan,
): Promise<Record<Target['name'], Figures>> {
  let number = 0;
  const turn = async (target: Target, durationMs: number) => {
    const cpu = { app: cpuSecondsOf(target.pid), postgres: cpuSecondsOfTree(plan.postmasterPid) };
    const measured = await drive({
      origin: target.origin,
      authorization: await target.authorization(),
      connections: scenario.connections ?? plan.connections,
      durationMs,
      next: () => scenario.call(number++, target.basePath),
    });
    const app = cpuSecondsOf(target.pid) - cpu.app;
    const postgres = cpuSecondsOfTree(plan.postmasterPid) - cpu.postgres;
    return { ...measured, app, postgres };
  };
  const sums = new Map(targets.map(({ name }) => [name, noSums()]));
  for (const target of targets) await turn(target, plan.warmUpMs);
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of targets) {
      const { clientCpuSeconds, ...measured } = await turn(target, plan.measuredMs / plan.rounds);
      add(sums.get(target.name) as Sums, { ...measured, client: clientCpuSeconds });
    }
  }
  const figures = [...sums].map(([name, sum]) => [name, figuresOf(sum, scenario.resourcesPerCall)]);
  return Object.fromEntries(figures) as Record<Target['name'], Figures>;
}

function noSums(): Sums {
  return { seconds: 0, latenciesMs: [], client: 0, app: 0, postgres: 0 };
}

function add(sums: Sums, more: Omit<Sums, 'latenciesMs'> & { readonly latenciesMs: readonly number[] }): void {
  for (const name of ['seconds', 'client', 'app', 'postgres'] as const) sums[name] += more[name];
  for (const latencyMs of more.latenciesMs) sums.latenciesMs.push(latencyMs);
}

function figuresOf(sums: Sums, resourcesPerCall: number): Figures {
  const calls = sums.latenciesMs.length;
  const perCall = (seconds: number) => Math.round((seconds * 1_000_000) / calls);
  return {
    perSecond: (calls * resourcesPerCall) / sums.seconds,
    callsPerSecond: calls / sums.seconds,
    p50Ms: percentile(sums.latenciesMs, 0.5),
    p99Ms: percentile(sums.latenciesMs, 0.99),
    cpuMicroseconds: { client: perCall(sums.client), app: perCall(sums.app), postgres: perCall(sums.postgres) },
  };
}

/** The nearest rank; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
