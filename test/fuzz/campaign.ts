// Sends many inputs to one target, counts how far they come, and keeps the smallest input that does what none may do.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { minimize } from './minimize.ts';
import { type Outcome, type Stage, stages, type Target } from './target.ts';

export interface Campaign {
  readonly target: string;
  readonly seed: number;
  /** Runs of fast-check that are done, each with a seed of its own. */
  readonly slices: number;
  readonly inputs: number;
  readonly seconds: number;
  /** How many came so far and no farther. */
  readonly byStage: Readonly<Record<Stage, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly serverErrors: number;
  readonly crashes: number;
  /** The longest time that the event loop did not turn. */
  readonly stallMs: number;
  readonly slowest: { readonly ms: number; readonly input: string };
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly what: string;
  /** As JSON, made as small as it goes. */
  readonly input: string;
  /** Of the slice that found it, for `--seed` together with `--target`. */
  readonly seed: number;
  readonly stack: string;
}

export interface SliceOptions {
  readonly inputs: number;
  readonly onFailure?: (failure: Failure) => void;
  /** Told of what happened outside of any input, such as rejections nobody handles. */
  readonly faultsOutside?: () => readonly string[];
}

/** So many are one run of fast-check. */
export const sliceSize = 1_000;
/** Of one target; then there is enough to mend. */
const failuresMax = 5;

export async function runCampaign(
  target: Target,
  { seed, ...options }: SliceOptions & { readonly seed: number },
): Promise<Campaign> {
  let campaign = beginCampaign(target, seed);
  while (!isOver(campaign, options.inputs)) campaign = await goOn(target, campaign, options);
  return campaign;
}

export function beginCampaign({ name }: Target, seed: number): Campaign {
  const byStage = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>;
  return {
    ...{ target: name, seed, slices: 0, inputs: 0, seconds: 0, byStage, byStatus: {}, serverErrors: 0, crashes: 0 },
    ...{ stallMs: 0, slowest: { ms: 0, input: '' }, failures: [] },
  };
}

export function isOver({ slices, failures }: Campaign, inputs: number): boolean {
  return slices * sliceSize >= inputs || failures.length >= failuresMax;
}

/** The campaign with its next slice done. */
export async function goOn(target: Target, campaign: Campaign, options: SliceOptions): Promise<Campaign> {
  const tally = tallyOf(campaign);
  const failures = [...campaign.failures];
  const seed = campaign.seed + campaign.slices;
  const startedAt = performance.now();
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  const numRuns = Math.min(sliceSize, options.inputs - campaign.slices * sliceSize);
  const found = await runSlice(target, tally, { seed, numRuns });
  delays.disable();
  const outside = (options.faultsOutside?.() ?? []).map((what) => ({ what, input: '', seed, stack: '' }));
  for (const failure of [...outside, ...(found ? [found] : [])]) {
    if (failures.some(({ what }) => withoutNumbers(what) === withoutNumbers(failure.what))) continue;
    failures.push(failure);
    options.onFailure?.(failure);
  }
  const { isAsync, ...counts } = tally;
  // The timer that looks comes every 5 ms.
  const loopMs = Math.max(0, delays.max / 1e6 - 5);
  const stallMs = Math.max(campaign.stallMs, isAsync ? loopMs : counts.slowest.ms);
  const seconds = campaign.seconds + (performance.now() - startedAt) / 1_000;
  return { ...campaign, ...counts, failures, slices: campaign.slices + 1, seconds, stallMs };
}

/** Lines of a log differ in their times and in the ids of requests. */
function withoutNumbers(text: string): string {
  return text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+(\.\d+)?/g, '…');
}

interface Tally {
  inputs: number;
  byStage: Record<Stage, number>;
  byStatus: Record<string, number>;
  serverErrors: number;
  crashes: number;
  slowest: { ms: number; input: string };
  isAsync: boolean;
}

function tallyOf({ inputs, byStage, byStatus, serverErrors, crashes, slowest }: Campaign): Tally {
  return {
    ...{ inputs, serverErrors, crashes, slowest, isAsync: false },
    ...{ byStage: { ...byStage }, byStatus: { ...byStatus } },
  };
}

async function runSlice(
  target: Target,
  tally: Tally,
  run: { seed: number; numRuns: number },
): Promise<Failure | undefined> {
  let isShrinking = false;
  const property = fc.asyncProperty(target.inputs, async (input) => {
    const startedAt = performance.now();
    let outcome: Outcome | undefined;
    try {
      const running = target.run(input);
      if (running instanceof Promise) tally.isAsync = true;
      outcome = await running;
      requireSound(outcome);
    } catch (error) {
      if (!isShrinking) tally.crashes += outcome ? 0 : 1;
      if (!isShrinking) tally.serverErrors += outcome && outcome.status >= 500 ? 1 : 0;
      isShrinking = true;
      throw error;
    } finally {
      if (!isShrinking) note(tally, { input, ms: performance.now() - startedAt, outcome });
    }
    await turn();
  });
  const details = await fc.check(property, { ...run, verbose: 0 });
  if (!details.failed) return undefined;
  return await describe(target, details.counterexample?.[0], run.seed);
}

function note(
  tally: Tally,
  { input, ms, outcome }: { input: unknown; ms: number; outcome: Outcome | undefined },
): void {
  tally.inputs += 1;
  if (outcome) {
    tally.byStage[outcome.stage] += 1;
    tally.byStatus[outcome.status] = (tally.byStatus[outcome.status] ?? 0) + 1;
  }
  if (ms > tally.slowest.ms) tally.slowest = { ms, input: (JSON.stringify(input) ?? '').slice(0, 400) };
}

function requireSound({ status }: Outcome): void {
  if (status >= 500 || status < 100) throw new Error(`It was answered with ${status}.`);
  if (Object.keys(Object.prototype).length > 0) throw new Error('Object.prototype was changed.');
}

async function describe(target: Target, counterexample: unknown, seed: number): Promise<Failure> {
  const errorOf = async (input: unknown): Promise<Error | undefined> => {
    try {
      requireSound(await target.run(input));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  const first = await errorOf(counterexample);
  if (!first) return { what: 'It failed once and not again.', input: JSON.stringify(counterexample), seed, stack: '' };
  const kind = kindOf(first);
  const input = await minimize(counterexample, async (candidate) => {
    if (target.isInput && !isInput(target, candidate)) return false;
    const error = await errorOf(candidate);
    return error !== undefined && kindOf(error) === kind;
  });
  return {
    what: kind,
    input: JSON.stringify(input),
    seed,
    stack: (first.stack ?? '').split('\n').slice(0, 6).join('\n'),
  };
}

function isInput(target: Target, candidate: unknown): boolean {
  try {
    return target.isInput?.(candidate) ?? true;
  } catch {
    return false;
  }
}

/** Values in the message may become smaller, the fault stays the same. */
function kindOf(error: Error): string {
  const [place = ''] = /\bat .*/.exec(error.stack ?? '') ?? [];
  return `${error.name}: ${error.message.replace(/"[^"]*"|'[^']*'|\d+/g, '…').slice(0, 200)} ${place.replace(/\(.*\/(?=src|test)/, '(')}`;
}
