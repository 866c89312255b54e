// `npm run fuzz`: a million inputs over all targets, or as many as are asked for over one of them.

import { parseArgs } from 'node:util';
import { type Campaign, type Failure, runCampaign } from './campaign.ts';
import { failuresOf, failureText, tableOf } from './report.ts';
import type { Target } from './target.ts';
import { parserTargets } from './targets/parsers.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    target: { type: 'string', multiple: true },
  },
});
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error('--inputs is how many inputs are made, 1 or more.');
if (!Number.isSafeInteger(seed)) throw new Error('--seed is a whole number.');

/** Rejections that nobody handles: in a server they would end the process. */
const unhandled: string[] = [];
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) =>
    unhandled.push(`${event}: ${error instanceof Error ? error.stack : String(error)}`),
  );
}

try {
  console.log(`seed ${seed}`);
  tell(await run());
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

async function run(): Promise<Campaign[]> {
  const isAsked = ({ name }: { name: string }) => !values.target || values.target.includes(name);
  const parsers = parserTargets.filter(isAsked);
  const known = [...parserTargets.map(({ name }) => name), 'rest', 'bundle', 'bearer', 'assertion'];
  for (const name of values.target ?? [])
    if (!known.includes(name)) throw new Error(`There is no target ${name}: it is one of ${known.join(', ')}.`);
  const needsServer =
    !values.target || values.target.some((name) => parserTargets.every((target) => target.name !== name));
  if (!needsServer) return await runAll(parsers, () => []);
  return await withServer(async (targets, faultsOutside) => {
    return await runAll([...parsers, ...targets.filter(isAsked)], faultsOutside);
  });
}

type Work = (targets: readonly Target[], faultsOutside: () => readonly string[]) => Promise<Campaign[]>;

/** Loaded for those who need it: it brings a PostgreSQL of its own. */
async function withServer(work: Work): Promise<Campaign[]> {
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

/** Each gets its share of the inputs, of all that take part. */
async function runAll(targets: readonly Target[], faultsOutside: () => readonly string[]): Promise<Campaign[]> {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  const campaigns: Campaign[] = [];
  for (const target of targets) {
    const wanted = Math.max(1, Math.round((inputs * target.share) / shares));
    const startedAt = performance.now();
    let saidAt = startedAt;
    const onProgress = (done: number) => {
      const now = performance.now();
      if (now - saidAt < 5_000) return;
      saidAt = now;
      const perSecond = (done * 1_000) / (now - startedAt);
      const left = wanted - done;
      console.log(
        `${target.name}: ${done} of ${wanted}, ${Math.round(perSecond)}/s, ${left} remaining, ${Math.round(left / perSecond)} s`,
      );
    };
    const outside = () => [...unhandled.splice(0), ...faultsOutside()];
    const onFailure = (failure: Failure) => console.log(failureText(target.name, failure));
    campaigns.push(await runCampaign(target, { inputs: wanted, seed, onProgress, onFailure, faultsOutside: outside }));
  }
  return campaigns;
}
