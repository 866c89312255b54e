// The figures as a table to read and as Markdown for the README.

import type { Machine } from './machine.ts';
import type { Figures, Target } from './measure.ts';
import type { StoredRows } from './same-rows.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly ratioGoal?: number;
  readonly server: Figures;
  readonly floor: Figures;
}

export interface SingleFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'MB' | 's' | '%' | '/s';
  /** Wanted is less than this. */
  readonly goal?: number;
  /** Wanted is this or more. */
  readonly atLeast?: number;
}

export interface Sizes {
  readonly scenario: string;
  readonly bodyBytes: number;
  readonly stored: StoredRows;
}

export interface BenchResult {
  readonly machine: Machine;
  readonly connections: number;
  readonly seconds: number;
  readonly scenarios: readonly ScenarioResult[];
  readonly single: readonly SingleFigure[];
  readonly sizes: readonly Sizes[];
}

type Row = readonly string[];

export function markdownOf({ machine, scenarios, single, sizes, connections }: BenchResult): string {
  const { cpu, cores, memory, node, postgresql } = machine;
  return [
    `${cpu}, ${cores} cores, ${memory}; Node ${node}, PostgreSQL ${postgresql}; ${connections} connections, client and database on the same machine, fsync on.`,
    '',
    ...table([
      ['Scenario', 'per second', 'p50 ms', 'p99 ms', 'floor per second', 'floor p50', 'floor p99', 'ratio', 'goal'],
      ...scenarios.map(scenarioRow),
    ]),
    '',
    ...table([['Measured', 'value', 'goal'], ...single.map(singleRow)]),
    '',
    ...table([
      [
        'What one call writes',
        'body',
        'resources',
        'stored bytes',
        'tokens',
        'references',
        'dates',
        'numbers',
        'AuditEvents',
      ],
      ...sizes.map(sizeRow),
    ]),
  ].join('\n');
}

/** Where the time went, in microseconds of processor time a call. */
export function cpuTableOf(scenarios: readonly ScenarioResult[]): string {
  const row = (name: string, target: Target['name'], { cpuMicroseconds: { client, app, postgres } }: Figures): Row => [
    name,
    target,
    ...[client, app, postgres].map(String),
  ];
  const rows = scenarios.flatMap(({ name, server, floor }) => [row(name, 'server', server), row('', 'floor', floor)]);
  const shares = scenarios.flatMap(({ server, floor }) => [server, floor].map(clientShare));
  return [
    ...table([['Processor time, µs a call', '', 'client', 'app', 'PostgreSQL'], ...rows]),
    '',
    `The client took at most ${Math.round(Math.max(...shares) * 100)} % of a core.`,
  ].join('\n');
}

const clientShare = ({ cpuMicroseconds, callsPerSecond }: Figures) =>
  (cpuMicroseconds.client * callsPerSecond) / 1_000_000;

function scenarioRow({ name, server, floor, ratioGoal }: ScenarioResult): Row {
  const ratio = server.perSecond / floor.perSecond;
  return [
    name,
    ...[server, floor].flatMap(({ perSecond, p50Ms, p99Ms }) => [
      Math.round(perSecond).toLocaleString('en'),
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
    ]),
    ratio.toFixed(2),
    ratioGoal === undefined ? '' : `${mark(ratio >= ratioGoal)} at least ${ratioGoal}`,
  ];
}

function singleRow({ name, value, unit, goal, atLeast }: SingleFigure): Row {
  const shown = `${unit === 's' || unit === '%' ? value.toFixed(1) : Math.round(value)} ${unit}`;
  if (atLeast !== undefined) return [name, shown, `${mark(value >= atLeast)} at least ${atLeast} ${unit}`];
  return [name, shown, goal === undefined ? '' : `${mark(value < goal)} under ${goal} ${unit}`];
}

function sizeRow({ scenario, bodyBytes, stored }: Sizes): Row {
  const { resources, contentBytes, tokens, references, dates, ranges, auditEvents } = stored;
  const numbers = [bodyBytes, resources, contentBytes, tokens, references, dates, ranges, auditEvents];
  return [scenario, ...numbers.map((number) => Math.round(number).toLocaleString('en'))];
}

const mark = (reached: boolean) => (reached ? 'yes:' : 'NO:');

/** Columns of equal width, so that it reads as text too; the first is left-aligned, the others are figures. */
export function table(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: Row) =>
    `| ${row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...body.map(line)];
}
