// A table of promises and the tests that prove them, held to the tests that are there.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Gives the text of a test file, undefined for one that is not there. */
export type ReadTest = (file: string) => string | undefined;

const root = path.join(import.meta.dirname, '..', '..');

export const readTest: ReadTest = (file) =>
  existsSync(path.join(root, file)) ? readFileSync(path.join(root, file), 'utf8') : undefined;

/** What is wrong with the table, one line each. */
export function tableFaults(table: string, read: ReadTest): string[] {
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
      ...proofFaults(proof, read).map((fault) => `${id}: ${fault}`),
    ];
  });
}

function proofFaults(proof: string, read: ReadTest): string[] {
  return splitOutsideQuotes(proof).flatMap((part) => {
    const [file = ''] = part.trim().split(' ');
    if (!/^test\/.*\.test\.ts$/.test(file)) return [`no test file in "${part.trim()}"`];
    const text = read(file);
    if (text === undefined) return [`${file} is not there`];
    const titles = [...part.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
    return titles.filter((title) => !text.includes(title)).map((title) => `${file} has no test "${title}"`);
  });
}

/** A title may hold a semicolon. */
function splitOutsideQuotes(proof: string): string[] {
  return proof.match(/(?:"[^"]*"|[^;"])+/g) ?? [''];
}
