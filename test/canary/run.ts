// `npm run privacy:canary -- [--queue postgres|redis|both] [--variants 4]`: proves that what tells who a patient is can be read nowhere.

import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { startRedis } from '../support/redis.ts';
import { describeFinds, isOutside, type RunResult, runCanaries } from './canary-run.ts';
import { expectedControls, isFound } from './expected-controls.ts';
import { canaryReport, plainColumnReport } from './report.ts';

const { values } = parseArgs({
  options: { queue: { type: 'string', default: 'both' }, variants: { type: 'string', default: '4' } },
});
const queues = values.queue === 'both' ? ['postgres', 'redis'] : [values.queue];
const variants = Number(values.variants);
if (!queues.every((queue) => queue === 'postgres' || queue === 'redis') || !(variants >= 1 && variants <= 20)) {
  console.error('Use: npm run privacy:canary -- [--queue postgres|redis|both] [--variants 1 to 20]');
  process.exit(2);
}
for (const queue of queues) if (!(await prove(queue === 'redis'))) process.exitCode = 1;

async function prove(isRedis: boolean): Promise<boolean> {
  const startedAt = performance.now();
  const progress = (text: string) =>
    console.error(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
  const title = `queue in ${isRedis ? 'Redis' : 'PostgreSQL'}`;
  progress(title);
  const definitions = loadDefinitions();
  const redis = isRedis ? await startRedis(findRedis()) : undefined;
  try {
    const result = await runCanaries({
      ...{ definitions, validate: createValidator(definitions), redisUrl: redis?.url },
      ...{ types: [...definitions.resourceTypes], variants, withBackup: true, everything: true, progress },
    });
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    console.log(`\n## The ${title}: ${seconds} s, load ${loadavg()[0]!.toFixed(1)}\n`);
    return tell(result, isRedis);
  } finally {
    await redis?.stop();
  }
}

function tell(result: RunResult, isRedis: boolean): boolean {
  const { finds, columns, faults, controls } = result;
  const expected = expectedControls(controls, isRedis, true);
  console.log(canaryReport(result, expected));
  console.log(plainColumnReport(columns));
  const missing = expected.filter((control) => !isFound(control, finds));
  const wrong = [
    ...describeFinds(finds.filter(isOutside)).map((line) => `HIT ${line}`),
    ...[...columns.outside].map(([column, rows]) => `HIT ${column}: ${rows} rows`),
    ...columns.unknown.map((column) => `DECLARED and not there: ${column}`),
    ...missing.map((control) => `MISSING control ${JSON.stringify(control)}`),
    ...faults.map((fault) => `FAULT ${fault}`),
  ];
  for (const line of wrong.slice(0, 200)) console.log(line);
  if (wrong.length > 200) console.log(`… and ${wrong.length - 200} more`);
  console.log(wrong.length === 0 ? 'Proved.' : `Not proved: ${wrong.length} lines above.`);
  return wrong.length === 0;
}

function findRedis(): string {
  return execFileSync('/bin/sh', ['-c', 'command -v redis-server'], { encoding: 'utf8' }).trim();
}
