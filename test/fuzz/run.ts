// `npm run fuzz`: a million inputs over all targets, or as many as are asked for over one of them.

import { parseArgs } from 'node:util';
import { beginCampaign, type Campaign, type Failure, goOn, isOver, sliceSize } from './campaign.ts';
import { failuresOf, failureText, tableOf } from './report.ts';
import { type RunState, readState, writeState } from './run-state.ts';
import type { Target } from './target.ts';
import { parserTargets } from './targets/parsers.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string', multiple: true },
    state: { type: 'string' },
    report: { type: 'boolean' },
  },
});

/** What was begun goes on as it was begun. */
const known = readState(values.state);
const inputs = known?.inputs ?? Number(values.inputs ?? 1_000_000);
const seed = known?.seed ?? Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error('--inputs is how many inputs are made, 1 or more.');
if (!Number.isSafeInteger(seed)) throw new Error('--seed is a whole number.');
if (values.report && !known) throw new Error('--report tells of the run whose --state is given.');

/** Rejections that nobody handles: in a server they would end the process. */
const unhandled: string[] = [];
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) =>
    unhandled.push(`${event}: ${error instanceof Error ? error.stack : String(error)}`),
  );
}
/** With a state, the slice under way is ended first. */
let isStopped = false;
if (values.state !== undefined) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isStopped = true;
    });
  }
}

try {
  console.log(`seed ${seed}`);
  tell(known && values.report ? known.campaigns : await run());
} catch (error) {
  // What the fuzzer itself fails at must not be taken for something unhandled in the server.
  console.error(error);
  process.exitCode = 1;
}

function tell(campaigns: readonly Campaign[]): void {
  console.log(`\n${tableOf(campaigns)}\n`);
  for (const { target, slowest } of campaigns)
    console.log(`slowest of ${target}: ${slowest.ms.toFixed(0)} ms, ${slowest.input}`);
  const failures = failuresOf(campaigns);
  console.log(failures.length === 0 ? '\nNo crash, no 5xx, nothing left behind.' : `\n${failures.join('\n\n')}`);
  if (failures.length > 0) process.exitCode = 1;
}

async function run(): Promise<readonly Campaign[]> {
  const isAsked = ({ name }: { name: string }) => !values.target || values.target.includes(name);
  const parsers = parserTargets.filter(isAsked);
  const names = [...parserTargets.map(({ name }) => name), 'rest', 'bundle', 'bearer', 'assertion'];
  for (const name of values.target ?? [])
    if (!names.includes(name)) throw new Error(`There is no target ${name}: it is one of ${names.join(', ')}.`);
  const needsServer =
    !values.target || values.target.some((name) => parserTargets.every((target) => target.name !== name));
  if (!needsServer) return await runAll(parsers, () => []);
  return await withServer(async (targets, faultsOutside) => {
    return await runAll([...parsers, ...targets.filter(isAsked)], faultsOutside);
  });
}

type Work = (targets: readonly Target[], faultsOutside: () => readonly string[]) => Promise<readonly Campaign[]>;

/** Loaded for those who need it: it brings a PostgreSQL of its own. */
async function withServer(work: Work): Promise<readonly Campaign[]> {
  const { default: globalSetup } = await import('../support/global-setup.ts');
  const { default: globalTeardown } = await import('../support/global-teardown.ts');
  const { startTestServer } = await import('../support/server.ts');
  const { openServerTargets } = await import('./targets/server.ts');
  await globalSetup();
  try {
    const server = await startTestServer();
    const { targets, faultsOutside, close } = await openServerTargets(server);
    const done = await work(targets, faultsOutside);
    await close();
    await server.close();
    return done;
  } finally {
    await globalTeardown();
  }
}

interface Part {
  readonly target: Target;
  readonly wanted: number;
  campaign: Campaign;
}

/** Each gets its share of the inputs, of all that take part, and the one that is least far its next slice. */
async function runAll(
  targets: readonly Target[],
  faultsOutside: () => readonly string[],
): Promise<readonly Campaign[]> {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  const parts = targets.map((target): Part => {
    const wanted = Math.max(1, Math.round((inputs * target.share) / shares));
    const earlier = known?.campaigns.find((campaign) => campaign.target === target.name);
    return { target, wanted, campaign: earlier ?? beginCampaign(target, seed) };
  });
  const others = (known?.campaigns ?? []).filter(({ target }) => !targets.some(({ name }) => name === target));
  const state = (): RunState => ({ seed, inputs, campaigns: [...others, ...parts.map(({ campaign }) => campaign)] });
  const outside = () => [...unhandled.splice(0), ...faultsOutside()];
  let saidAt = performance.now();
  for (let part = nextOf(parts); part && !isStopped; part = nextOf(parts)) {
    const { target, wanted, campaign } = part;
    const onFailure = (failure: Failure) => console.log(failureText(target.name, failure));
    part.campaign = await goOn(target, campaign, { inputs: wanted, onFailure, faultsOutside: outside });
    if (values.state !== undefined) writeState(values.state, state());
    if (performance.now() - saidAt < 5_000) continue;
    saidAt = performance.now();
    sayHowFar(parts);
  }
  return state().campaigns;
}

function nextOf(parts: readonly Part[]): Part | undefined {
  const open = parts.filter(({ campaign, wanted }) => !isOver(campaign, wanted));
  const shareDone = ({ campaign, wanted }: Part) => (campaign.slices * sliceSize) / wanted;
  return open.sort((one, other) => shareDone(one) - shareDone(other))[0];
}

function sayHowFar(parts: readonly Part[]): void {
  const done = parts.reduce((sum, { campaign }) => sum + campaign.inputs, 0);
  const seconds = parts.reduce((sum, { campaign }) => sum + campaign.seconds, 0);
  // Targets differ a hundredfold in how long an input takes.
  const left = parts.reduce((sum, { campaign, wanted }) => {
    const each = campaign.seconds / Math.max(1, campaign.inputs);
    return sum + (isOver(campaign, wanted) ? 0 : (wanted - campaign.inputs) * each);
  }, 0);
  console.log(`${done} of ${inputs}, ${Math.round(done / seconds)}/s, ${Math.round(left)} s remaining`);
}
