// The figures of a run as tables to read, which the README shows.

import { type Find, isOutside, isReadable, type RunResult } from './canary-run.ts';
import type { ColumnCheck } from './column-check.ts';
import { type ExpectedControl, isFound } from './expected-controls.ts';
import { placeNames } from './places.ts';
import { plainColumns } from './plain-columns.ts';

export function canaryReport(result: RunResult, expected: readonly ExpectedControl[]): string {
  const { bytes, canariesSought, finds, elements } = result;
  const rows = placeNames
    .filter((place) => bytes.has(place))
    .map((place) => {
      const here = finds.filter((find) => find.place === place);
      const controls = expected.filter((control) => control.place === place);
      const found = controls.filter((control) => isFound(control, finds)).length;
      return [
        ...[place, number(bytes.get(place)!), number(canariesSought), number(countOf(here, isOutside))],
        ...[number(countOf(here, (find) => isReadable(find) && !isOutside(find))), `${found} of ${controls.length}`],
      ];
    });
  const head = [
    'Place',
    'bytes searched',
    'canaries sought',
    'hits outside',
    'hits in plain columns',
    'controls found',
  ];
  const { stored, resources, searches, serversOwn } = elements;
  return `${table(head, rows)}
${number(stored.size)} elements of ${number(resources)} resources were stored and read again, and looked for by ${number(searches)} searches; \
the server alone writes ${[...serversOwn].join(', ') || 'none'}.
`;
}

export function plainColumnReport({ columns, inside, outside }: ColumnCheck): string {
  const rows = plainColumns.map(({ table: name, columns: own, holds, why }) => {
    const found = own.reduce((sum, column) => sum + (inside.get(`store.${name}.${column}`) ?? 0), 0);
    return [`\`${name}\``, own.map((column) => `\`${column}\``).join(', '), holds, why, number(found)];
  });
  const head = ['Table', 'columns', 'hold', 'because', 'canaries in it'];
  return `${table(head, rows)}
${number(columns)} columns of text were looked at; undeclared ones with a canary: ${number(outside.size)}.
`;
}

/** Each word in each file once. */
function countOf(finds: readonly Find[], isMeant: (find: Find) => boolean): number {
  return new Set(finds.filter(isMeant).map(({ word, name }) => `${word} ${name}`)).size;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}
