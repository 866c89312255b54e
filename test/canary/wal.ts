// The write-ahead log, segment by segment, without the page heads that stand in the middle of records: src/include/access/xlog_internal.h

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const pageBytes = 8_192;
/** Set in the second pair of bytes of a segment's first page. */
const longHead = 2;

export interface Segment {
  readonly file: string;
  /** With the start of the next one, into which its last record may reach. */
  open(): Generator<Buffer>;
}

/** In the order of their names, which is that of the log. */
export function walSegments(folder: string): Segment[] {
  const names = readdirSync(folder).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const files = names.sort().map((name) => path.join(folder, name));
  return files.map((file, index) => ({
    file,
    *open() {
      yield withoutPageHeads(readFileSync(file));
      const next = files[index + 1];
      if (next !== undefined) yield withoutPageHeads(readFileSync(next)).subarray(0, reachBytes);
    },
  }));
}

const reachBytes = 65_536;

function withoutPageHeads(segment: Buffer): Buffer {
  const pages: Buffer[] = [];
  for (let at = 0; at < segment.length; at += pageBytes) {
    const isLong = (segment.readUInt16LE(at + 2) & longHead) !== 0;
    pages.push(segment.subarray(at + (isLong ? 40 : 24), at + pageBytes));
  }
  return Buffer.concat(pages);
}
