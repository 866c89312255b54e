// A word that a page's head cuts in the middle of a WAL record is one word again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { walSegments } from './wal.ts';

const text = 'CnryFixture7k2m9x4qw8';

/** Pages of 8 kB with heads of 24 bytes, the first of a segment 40. */
function segmentOf(content: Buffer, pages: number): Buffer {
  const segment = Buffer.alloc(pages * 8_192, 0xaa);
  let from = 0;
  for (let page = 0; page < pages; page++) {
    const head = page === 0 ? 40 : 24;
    segment.writeUInt16LE(page === 0 ? 2 : 1, page * 8_192 + 2);
    from += content.copy(segment, page * 8_192 + head, from, from + 8_192 - head);
  }
  return segment;
}

test('pages are joined without their heads, and each segment with the start of the next', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hpms-wal-'));
  const [first, second] = [Buffer.alloc(16_320, '.'), Buffer.alloc(16_320, '.')];
  first.write(text, 8_152 - 10);
  first.write(text.slice(0, 10), 16_320 - 10);
  second.write(text.slice(10), 0);
  writeFileSync(path.join(folder, '000000010000000000000002'), segmentOf(second, 2));
  writeFileSync(path.join(folder, '000000010000000000000001'), segmentOf(first, 2));
  writeFileSync(path.join(folder, '000000010000000000000001.00000028.backup'), 'no segment');
  const segments = walSegments(folder);
  const texts = segments.map(({ open }) => Buffer.concat([...open()]).toString());
  rmSync(folder, { recursive: true });
  expect(segments.map(({ file }) => path.basename(file))).toEqual([
    '000000010000000000000001',
    '000000010000000000000002',
  ]);
  expect(texts[0]!.split(text)).toHaveLength(3);
  expect(texts[1]).toBe(second.toString());
});
