// Holds test/requirements.md to the tests it names, so that no promise loses its proof unseen.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readTest, tableFaults } from './support/proof-table.ts';

test('every promise has proof that is there', () => {
  const table = readFileSync(path.join(import.meta.dirname, 'requirements.md'), 'utf8');
  expect(tableFaults(table, readTest)).toEqual([]);
});

describe('a dangling entry is found', () => {
  const readMade = (file: string) => (file === 'test/a.test.ts' ? "test('does; this', () => {});" : undefined);
  const faultsOf = (...rows: string[]) =>
    tableFaults(['| Id | Promise | Proof |', '|---|---|---|', ...rows].join('\n'), readMade);

  test.each([
    ['| S1-P1-2 | Does this | test/a.test.ts "does; this"; test/a.test.ts |', []],
    ['| S1 | Does this | test/b.test.ts |', ['S1: test/b.test.ts is not there']],
    ['| S1 | Does this | test/a.test.ts "does that" |', ['S1: test/a.test.ts has no test "does that"']],
    ['| S1 | Does this | |', ['S1: no test file in ""']],
    ['| S1 | | test/a.test.ts |', ['S1 promises nothing']],
    ['| S1 | Does this |', ['not a row of id, promise and proof: | S1 | Does this |']],
  ])('%s', (row, expected) => {
    expect(faultsOf(row)).toEqual(expected);
  });

  test('an id that stands there twice', () => {
    expect(faultsOf('| S1 | Does this | test/a.test.ts |', '| S1 | Does that | test/a.test.ts |')).toEqual([
      'S1 stands here twice',
    ]);
  });
});
