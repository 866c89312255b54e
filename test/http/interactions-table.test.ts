// The README's table of interactions is true: its requests are the routes, its limits the code's, its tests are there.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bodyBytesMax } from '../../src/app.ts';
import { keptHours, openMax } from '../../src/http/async/accept.ts';
import { fhirRoutes } from '../../src/http/fhir-routes.ts';
import { bundleEntriesMax } from '../../src/http/interactions/bundle.ts';
import * as history from '../../src/http/interactions/history-parameters.ts';
import type { FhirRoute } from '../../src/http/route.ts';
import { operationsMax } from '../../src/repository/patch/tree-patch.ts';
import { deletesMax } from '../../src/repository/resolve-conditions.ts';
import { referencesMax } from '../../src/repository/resolve-references.ts';
import { storedMax } from '../../src/repository/search-definitions.ts';
import * as search from '../../src/search/parse/result-parameters.ts';
import { accurateMax } from '../../src/search/run-search.ts';
import { allOperations } from '../support/all-operations.ts';

const top = path.join(import.meta.dirname, '../..');
const section = readFileSync(path.join(top, 'README.md'), 'utf8').split('## Interactions')[1]?.split('\n## ')[0] ?? '';
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Interaction'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
const cellsOf = (interaction: string) => rows.find(([name]) => name === interaction) ?? [];

test('the table is there', () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) expect(row).toHaveLength(4);
});

/** A route's path as the table writes it. */
function writtenPath({ path: pattern, method }: FhirRoute): string {
  const written = pattern
    .slice(1)
    .replace(':type/:id/:memberType', '[compartment]/[id]/[type]')
    .replace(':type', '[type]')
    .replace(':id', '[id]')
    .replace(':versionId', '[vid]');
  return ['put', 'patch', 'delete'].includes(method) && written === '[type]' ? '[type]?[criteria]' : written;
}

describe('requests', () => {
  test('every route has its place', () => {
    const requests = rows.map(([, request = '']) => request).join(' ');
    for (const route of fhirRoutes(allOperations)) {
      // Operations and Binary say it in words of their own.
      if (route.path.includes('$') || route.path.includes('Binary')) continue;
      const shown = writtenPath(route).replace('[compartment]/[id]/[type]/_search', '…/_search');
      expect([shown, requests.includes(shown)]).toEqual([shown, true]);
    }
  });

  test('every operation has its place', () => {
    const [, request = ''] = cellsOf('operations');
    const codes = fhirRoutes(allOperations).flatMap((route) => /\$([a-z-]+)$/.exec(route.path)?.[1] ?? []);
    expect(codes).not.toEqual([]);
    for (const code of codes) expect(request).toContain(`…/$${code}`);
  });
});

const written = (limit: number) => limit.toLocaleString('en');

test.each([
  ['patch', `at most ${written(operationsMax)} operations`],
  ['conditional delete', `at most ${written(deletesMax)} matches`],
  ['search', `pages of ${search.countDefault}, at most ${written(search.countMax)}`],
  ['search', `exact to ${written(accurateMax)}`],
  ['history', `pages of ${history.countDefault}, at most ${written(history.countMax)}`],
  ['batch, transaction', `${written(bundleEntriesMax)} entries, ${bodyBytesMax / 1_000_000} MB`],
  ['batch, transaction', `${written(referencesMax)} conditional references`],
  ['definitions', `at most ${written(storedMax)} of the tenant's own`],
  ['asynchronous', `${openMax} of a client at a time`],
  ['asynchronous', `kept ${keptHours} hours`],
])('the limit of %s: %s', (interaction, limit) => {
  expect(cellsOf(interaction)[2]).toContain(limit);
});

test('every proof is a test that is there', () => {
  for (const [name, , , proof = ''] of rows) {
    const files = [...proof.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect([name, files.length > 0]).toEqual([name, true]);
    for (const file of files) expect([file, existsSync(path.join(top, file))]).toEqual([file, true]);
  }
});
