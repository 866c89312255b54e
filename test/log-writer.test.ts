// The log's lines when the place they go to is full, stuck or gone: they are kept in order up to a bound, and nobody waits or fails.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogWriter } from '../src/log-writer.ts';
import { waitFor } from './faults/bed.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

let folder: string;
let pipe: number;
beforeEach(() => {
  folder = makeTemporaryFolder();
  execFileSync('mkfifo', [path.join(folder, 'pipe')]);
  pipe = openSync(path.join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK);
});
afterEach(() => {
  closeSync(pipe);
  rmSync(folder, { recursive: true });
});

let received = '';
/** What is in the pipe now. */
function readPipe(): string {
  const piece = Buffer.alloc(65_536);
  for (;;) {
    try {
      received += piece.toString('utf8', 0, readSync(pipe, piece));
    } catch {
      return received;
    }
  }
}
beforeEach(() => {
  received = '';
});

const lineOf = (number: number) => `${JSON.stringify({ number, padding: 'ä'.repeat(200) })}\n`;
const numbersIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).number);

test('a reader that reads nothing: lines are kept, and come whole and in order when it reads again', async () => {
  const writer = createLogWriter(pipe, () => undefined);
  for (let number = 0; number < 2_000; number++) writer.write(lineOf(number));
  await waitFor('all lines', () => readPipe().split('\n').length > 2_000);
  expect(numbersIn(received)).toEqual(Array.from({ length: 2_000 }, (_, number) => number));
  writer.finish();
});

test('beyond the bound lines are lost, whole ones, and it is said how many when there is room', async () => {
  const told: number[] = [];
  const writer = createLogWriter(pipe, (lines) => told.push(lines), 100_000);
  for (let number = 0; number < 5_000; number++) writer.write(lineOf(number));
  await waitFor('an end of the loss', () => readPipe() !== '' && told.length > 0);
  const numbers = numbersIn(received);
  expect(numbers).toEqual(Array.from(numbers, (_, number) => number));
  expect(numbers.length + told[0]!).toBe(5_000);
  writer.write(lineOf(5_000));
  await waitFor('the line after it', () => numbersIn(readPipe()).at(-1) === 5_000);
  writer.finish();
});

test('a disk that is full: nothing is thrown, also not at the end', async () => {
  const full = openSync('/dev/full', 'w');
  const writer = createLogWriter(full, () => undefined, 10_000);
  for (let number = 0; number < 1_000; number++) writer.write(lineOf(number));
  writer.finish();
  closeSync(full);
});

test('the end writes what waits, and does not wait for a reader for ever', () => {
  const writer = createLogWriter(pipe, () => undefined);
  writer.write(lineOf(1));
  writer.finish();
  expect(numbersIn(readPipe())).toEqual([1]);
  for (let number = 0; number < 1_000; number++) writer.write(lineOf(number));
  writer.finish();
});
