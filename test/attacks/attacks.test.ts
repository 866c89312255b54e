// Every attack of security.md has its tests: attacks.md is the table, held to the files and titles that are there.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readTest, tableFaults } from '../support/proof-table.ts';

const attacksCount = 125;
const table = readFileSync(path.join(import.meta.dirname, 'attacks.md'), 'utf8');

/** What no test can say yet stands as `open: why`, behind the tests there are. */
function split(text: string): { readonly proven: string; readonly open: readonly string[] } {
  const open: string[] = [];
  const lines = text.split('\n').map((line) => {
    const at = line.indexOf('open: ');
    if (!line.startsWith('|') || at < 0) return line;
    open.push(line.slice(at + 6).replace(/\s*\|\s*$/, ''));
    return `${line.slice(0, at).replace(/;\s*$/, '')}|`;
  });
  return { proven: lines.join('\n'), open };
}

const numbersIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => Number(line.split('|')[1]));

describe('the table', () => {
  test('has each of the 125 attacks once, in order', () => {
    expect(numbersIn(table)).toEqual(Array.from({ length: attacksCount }, (_, index) => index + 1));
  });

  test('names tests that are there', () => {
    expect(tableFaults(split(table).proven, readTest)).toEqual([]);
  });

  test('says why where something is still open', () => {
    expect(split(table).open.filter((why) => why.length < 20)).toEqual([]);
  });
});

test('a row without a test, or with one that is gone, is found', () => {
  const head = '| No | Attack | Tests |\n|---|---|---|\n';
  const faultsOf = (row: string) => tableFaults(split(head + row).proven, readTest);
  expect(faultsOf('| 1 | x | test/attacks/gone.test.ts; open: it will come |')).toEqual([
    '1: test/attacks/gone.test.ts is not there',
  ]);
  expect(faultsOf('| 1 | x | open: nothing can be tested before there is a door |')).toEqual(['1: no test file in ""']);
  expect(faultsOf('| 1 | x | test/attacks/attacks.test.ts; open: the rest comes with the door |')).toEqual([]);
});
