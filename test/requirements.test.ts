// Holds test/requirements.md to the tests it names, so that no promise loses its proof unseen.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..');

/** What is wrong with the table, one line each; `readTest` is undefined for a file that is not there. */
function faults(table: string, readTest: (file: string) => string | undefined): string[] {
  const rows = table.split('\n').filter((line) => line.startsWith('|'));
  const ids = new Set<string>();
  return rows.slice(2).flatMap((row) => {
    const cells = row.split('|').slice(1, -1);
    const [id = '', promise = '', proof = ''] = cells.map((cell) => cell.trim());
    if (cells.length !== 3 || !/^[\w.-]+$/.test(id)) return [`not a row of id, promise and proof: ${row}`];
    const again = ids.has(id);
    ids.add(id);
    return [
      ...(again ? [`${id} stands here twice`] : []),
      ...(promise === '' ? [`${id} promises nothing`] : []),
      ...proofFaults(proof, readTest).map((fault) => `${id}: ${fault}`),
    ];
  });
}

function proofFaults(proof: string, readTest: (file: string) => string | undefined): string[] {
  return splitOutsideQuotes(proof).flatMap((part) => {
    const [file = ''] = part.trim().split(' ');
    if (!/^test\/.*\.test\.ts$/.test(file)) return [`no test file in "${part.trim()}"`];
    const text = readTest(file);
    if (text === undefined) return [`${file} is not there`];
    const titles = [...part.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
    return titles.filter((title) => !text.includes(title)).map((title) => `${file} has no test "${title}"`);
  });
}

/** A title may hold a semicolon. */
function splitOutsideQuotes(proof: string): string[] {
  return proof.match(/(?:"[^"]*"|[^;"])+/g) ?? [''];
}

test('every promise has proof that is there', () => {
  const table = readFileSync(path.join(root, 'test/requirements.md'), 'utf8');
  const readTest = (file: string) =>
    existsSync(path.join(root, file)) ? readFileSync(path.join(root, file), 'utf8') : undefined;
  expect(faults(table, readTest)).toEqual([]);
});

describe('a dangling entry is found', () => {
  const readTest = (file: string) => (file === 'test/a.test.ts' ? "test('does; this', () => {});" : undefined);
  const faultsOf = (...rows: string[]) =>
    faults(['| Id | Promise | Proof |', '|---|---|---|', ...rows].join('\n'), readTest);

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
