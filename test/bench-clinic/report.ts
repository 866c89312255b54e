// The figures of the clinic as Markdown, for the README.

import type { Machine } from '../bench/machine.ts';
import { table } from '../bench/report.ts';
import type { TableSize } from './load.ts';
import type { QueryFigures, UserPlan } from './users.ts';

export interface Stage {
  readonly resources: number;
  readonly loadedPerSecond: number;
  /** Resident memory of the server's process. */
  readonly memoryMegabytes: { readonly before: number; readonly after: number };
  readonly queries: readonly (QueryFigures & { readonly goalMs: number })[];
  /** Those the server does not answer. */
  readonly skipped: readonly string[];
}

export interface ClinicResult {
  readonly machine: Machine;
  readonly scale: number;
  readonly plan: UserPlan;
  /** A hundredth of the clinic, and all of it; without the hundredth where the clinic was loaded by an earlier run. */
  readonly stages: readonly Stage[];
  readonly sizes: readonly TableSize[];
}

const growthMax = 1.5;

export function markdownOf({ machine, scale, plan, stages, sizes }: ClinicResult): string {
  const { cpu, cores, memory, node, postgresql } = machine;
  const [all, part] = stages.toReversed();
  if (!all) throw new Error('There is no stage to report.');
  const number = (value: number) => Math.round(value).toLocaleString('en');
  return [
    `${cpu}, ${cores} cores, ${memory}; Node ${node}, PostgreSQL ${postgresql}; scale ${scale}, ${plan.users} users with ${plan.thinkMs} ms of think time, client and database on the same machine, fsync on.`,
    '',
    ...table([
      [
        'Query',
        'asked',
        'p50 ms',
        'p95 ms',
        'goal',
        part ? `p95 ms of ${number(part.resources)}` : 'p95 ms before',
        'growth',
      ],
      ...all.queries.map((figures) => queryRow(figures, part)),
    ]),
    ...all.skipped.map((name) => `\nNot answered: ${name}.`),
    '',
    ...table([
      ['Stage', 'resources', 'loaded per second', 'memory before MB', 'after MB'],
      ...stages.map(({ resources, loadedPerSecond, memoryMegabytes: { before, after } }, n) => [
        n === stages.length - 1 ? 'all' : 'a hundredth',
        ...[resources, loadedPerSecond, before, after].map(number),
      ]),
    ]),
    '',
    ...table([['Table', 'rows', 'MB with indexes'], ...sizes.map(sizeRow)]),
  ].join('\n');

  function sizeRow({ table: name, rows, megabytes }: TableSize): string[] {
    return [name, number(rows), number(megabytes)];
  }
}

function queryRow({ name, asked, p50Ms, p95Ms, goalMs }: Stage['queries'][number], part: Stage | undefined): string[] {
  const before = part?.queries.find((figures) => figures.name === name)?.p95Ms ?? Number.NaN;
  const growth = p95Ms / before;
  return [
    name,
    String(asked),
    p50Ms.toFixed(1),
    p95Ms.toFixed(1),
    `${p95Ms < goalMs ? 'yes:' : 'NO:'} under ${goalMs}`,
    part ? before.toFixed(1) : '',
    part ? `${growth <= growthMax ? 'yes:' : 'NO:'} ${growth.toFixed(2)}` : '',
  ];
}
