// Anchors are lines that come back whole and in their order, from a file and from objects (security.md 1.8)

import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { AnchorTarget } from '../../src/gateways/anchor-target.ts';
import { openAnchor } from '../../src/gateways/open-anchor.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const folder = makeTemporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function linesOf(target: AnchorTarget): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of target.read()) lines.push(line);
  return lines;
}

describe.each(['file', 'objects'] as const)('%s', (kind) => {
  const at = path.join(folder, kind, 'anchors');

  test('nothing is there before the first append, and everything after, for the next process too', async () => {
    const target = openAnchor({ kind, path: at });
    expect(await linesOf(target)).toEqual([]);
    await target.append(['one', 'two']);
    await target.append(['three']);
    // Two processes never append at once, let alone in one millisecond.
    for (const began = Date.now(); Date.now() < began + 3; );
    await openAnchor({ kind, path: at }).append(['four']);
    expect(await linesOf(target)).toEqual(['one', 'two', 'three', 'four']);
  });
});

describe('the file', () => {
  const file = path.join(folder, 'only', 'anchors.jsonl');

  test('begins a new line behind half a one', async () => {
    const target = openAnchor({ kind: 'file', path: file });
    await target.append(['whole']);
    appendFileSync(file, 'hal');
    await target.append(['next']);
    expect(await linesOf(target)).toEqual(['whole', 'hal', 'next']);
  });

  test('that is gone while it is in use is missed once, and begun anew', async () => {
    const target = openAnchor({ kind: 'file', path: file });
    await target.append(['here']);
    rmSync(file);
    await expect(target.append(['lost'])).rejects.toThrow('are gone');
    await target.append(['again']);
    expect(await linesOf(target)).toEqual(['again']);
  });
});

test('each append is an object of its own, which nobody has to change', async () => {
  const target = openAnchor({ kind: 'objects', path: path.join(folder, 'each') });
  await target.append(['a']);
  const before = readdirSync(path.join(folder, 'each'), { recursive: true }).filter((name) => String(name).length > 30);
  await target.append(['b']);
  const after = readdirSync(path.join(folder, 'each'), { recursive: true }).filter((name) => String(name).length > 30);
  expect([before.length, after.length]).toEqual([1, 2]);
  expect(after).toEqual(expect.arrayContaining(before));
});
