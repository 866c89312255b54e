// The figures of the clinic as Markdown, for the README.

import type { Machine } from '../bench/machine.ts';
import { table } from '../bench/report.ts';
import type { TableSize } from './load.ts';
import type { ReportFigures } from './reports.ts';
import type { QueryFigures, UserPlan } from './users.ts';
import type { StepFigures, WholeFigures } from './visits.ts';

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
  readonly reports: readonly ReportFigures[];
  /** In the ledger before anything was measured. */
  readonly journals: number;
  readonly work: Work;
  readonly sizes: readonly TableSize[];
}

/** Visits: each step by itself, then whole ones, first alone and then beside users who read. */
export interface Work {
  readonly steps: readonly StepFigures[];
  readonly alone: WholeFigures;
  readonly visits: number;
  readonly beside: WholeFigures;
  readonly slowestReads: readonly QueryFigures[];
}

const growthMax = 1.5;
/** Of any read beside the visits: domain.md S4-T5. */
const readGoalMs = 200;

export function markdownOf({ machine, scale, plan, stages, reports, journals, work, sizes }: ClinicResult): string {
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
    '',
    ...table([
      [`Report on ${number(journals)} journals`, 'asked', 'p50 ms', 'p95 ms', 'slowest ms', 'goal'],
      ...reports.map(reportRow),
    ]),
    '',
    ...table([
      [
        'Step of a visit',
        '16 at once: per second',
        'p50 ms',
        'p95 ms',
        'whole visits, alone: p50 ms',
        'p95 ms',
        'beside the users: p50 ms',
        'p95 ms',
        'goal, alone and beside',
      ],
      ...work.steps.map((step, n) => stepRow(step, [work.alone.steps[n], work.beside.steps[n]])),
    ]),
    '',
    `Whole visits go from booking to payment: alone ${work.alone.perSecond.toFixed(1)} a second.`,
    besideUsers(work, plan),
  ].join('\n');

  function sizeRow({ table: name, rows, megabytes }: TableSize): string[] {
    return [name, number(rows), number(megabytes)];
  }
}

function reportRow({ name, asked, p50Ms, p95Ms, slowestMs, goalMs }: ReportFigures): string[] {
  const milliseconds = [p50Ms, p95Ms, slowestMs].map((ms) => ms.toFixed(1));
  return [name, String(asked), ...milliseconds, `${slowestMs < goalMs ? 'yes:' : 'NO:'} under ${goalMs}`];
}

function stepRow(
  { name, perSecond, crowded }: StepFigures,
  whole: readonly (WholeFigures['steps'][number] | undefined)[],
): string[] {
  const milliseconds = [crowded, ...whole].flatMap((waits) => [waits?.p50Ms ?? Number.NaN, waits?.p95Ms ?? Number.NaN]);
  const reached = whole.flatMap((waits) => (waits?.goalMs === undefined ? [] : [waits.p95Ms < waits.goalMs]));
  const goal = reached.map((isReached) => (isReached ? 'yes' : 'NO')).join(', ');
  return [
    name,
    Math.round(perSecond).toLocaleString('en'),
    ...milliseconds.map((ms) => ms.toFixed(1)),
    goal && `${goal}: under ${whole[0]?.goalMs}`,
  ];
}

function besideUsers({ visits, beside: { perSecond }, slowestReads }: Work, { users }: UserPlan): string {
  const asked = slowestReads.reduce((sum, figures) => sum + figures.asked, 0);
  const slowest = slowestReads.toSorted((a, b) => b.p95Ms - a.p95Ms)[0];
  const reached = (slowest?.p95Ms ?? Number.NaN) < readGoalMs ? 'yes' : 'NO';
  return [
    `${visits.toLocaleString('en')} of them, ${perSecond.toFixed(1)} a second, beside ${users} users`,
    `who read ${asked.toLocaleString('en')} times: the slowest kind of read (${slowest?.name}) has a p95 of`,
    `${slowest?.p95Ms.toFixed(1)} ms (${reached}: under ${readGoalMs}).`,
  ].join(' ');
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
