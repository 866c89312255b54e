// Measures what validating a Patient and an Observation costs, beside @medplum/core in the same run: npm run bench:validation

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { sourceDirectory } from '../../src/fhir/definitions/snapshot.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { compileInvariants } from '../../src/validation/invariants/compile-invariants.ts';
import { createStructureCheck } from '../../src/validation/structure.ts';
import { createValidator } from '../../src/validation/validate.ts';

const { values } = parseArgs({ options: { data: { type: 'string' }, rounds: { type: 'string', default: '9' } } });
const folder = values.data ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'synthea');

/** Mean microseconds of one resource: the goals. */
const goals: Readonly<Record<string, number>> = { Patient: 15, Observation: 10 };
const ratioGoal = 10;
/** So long a round takes at least; a slow validator then does fewer passes over all resources. */
const roundMs = 300;

type Run = (resource: Resource) => unknown;

interface Measured {
  readonly name: string;
  readonly run: Run;
}

/** Rounds take turns, so that what disturbs the machine disturbs all alike; the median round counts. */
function measure(resources: readonly Resource[], candidates: readonly Measured[], rounds: number): Map<string, number> {
  for (const { run } of candidates) pass(resources, run, roundMs);
  const times = new Map(candidates.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of candidates) times.get(name)?.push(pass(resources, run, roundMs));
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

/** Mean microseconds of one resource: the thread's own time, whatever else the machine does. */
function pass(resources: readonly Resource[], run: Run, atLeastMs: number): number {
  const start = process.threadCpuUsage();
  let count = 0;
  let spentUs = 0;
  while (spentUs < atLeastMs * 1000) {
    for (const resource of resources) run(resource);
    count += resources.length;
    const { user, system } = process.threadCpuUsage(start);
    spentUs = user + system;
  }
  return spentUs / count;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function readResources(): Resource[] {
  if (!existsSync(folder)) throw new Error(`There are no Synthea bundles in ${folder}; name their folder by --data.`);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Bundle).entry ?? [])
    .flatMap(({ resource }) => resource ?? []);
}

function candidates(): Measured[] {
  const definitions = loadDefinitions();
  const structure = createStructureCheck(definitions);
  const invariants = compileInvariants(definitions);
  const whole = createValidator(definitions);
  for (const name of ['profiles-types.json', 'profiles-resources.json']) {
    indexStructureDefinitionBundle(JSON.parse(readFileSync(join(sourceDirectory, name), 'utf8')) as Bundle);
  }
  return [
    { name: 'structure', run: structure },
    { name: 'invariants', run: invariants },
    { name: 'structure + invariants', run: (resource) => [structure(resource), invariants(resource)] },
    { name: 'validator, warnings on', run: (resource) => whole(resource, { warnings: true }) },
    { name: '@medplum/core', run: validateByMedplum },
  ];
}

/** It throws what it finds. */
function validateByMedplum(resource: Resource): unknown {
  try {
    return validateResource(resource);
  } catch (error) {
    if (error instanceof OperationOutcomeError) return error;
    throw error;
  }
}

const resources = readResources();
const measured = candidates();
const columns = measured.map(({ name }) => name);
console.log(
  `Node ${process.version}; mean µs of CPU time of one resource, median of ${values.rounds} rounds; nothing is cached by content.\n`,
);
console.log(`| Resources | ${columns.join(' | ')} | ratio |`);
console.log(`|---|${columns.map(() => '---').join('|')}|---|`);
for (const [type, goal] of Object.entries(goals)) {
  const ofType = resources.filter(({ resourceType }) => resourceType === type);
  const means = measure(ofType, measured, Number(values.rounds));
  const ours = means.get('structure + invariants') ?? Number.NaN;
  const ratio = (means.get('@medplum/core') ?? Number.NaN) / ours;
  const cells = columns.map((name) => means.get(name)?.toFixed(name.startsWith('@') ? 0 : 2));
  const isMet = ours < goal && ratio >= ratioGoal;
  console.log(
    `| ${ofType.length} ${type} (goal ${goal}, ${isMet ? 'met' : 'missed'}) | ${cells.join(' | ')} | ${ratio.toFixed(0)}x |`,
  );
}
