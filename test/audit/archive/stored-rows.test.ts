// Rows in PostgreSQL's binary COPY format, in whatever pieces they come: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copyEnd, copyStart, rowBytes, StoredRows, timeOf } from '../../../src/audit/archive/stored-rows.ts';

const seed = 20_261_120;
const field = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 7 }), { maxLength: 20 });

/** What the pieces of the bytes that end at these places give. */
function readInPieces(bytes: Buffer, cuts: readonly number[]) {
  const reading = new StoredRows();
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  const read = ends.flatMap((end) => {
    const piece = bytes.subarray(start, end);
    start = end;
    return reading.push(Buffer.from(piece));
  });
  return { reading, fields: read.map((row) => row.fields) };
}

test('rows are the same however the bytes are cut', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(), { maxLength: 30 }), (written, cuts) => {
      const bytes = Buffer.concat([copyStart, ...written.map((fields) => rowBytes({ fields })), copyEnd]);
      const { reading, fields } = readInPieces(bytes, cuts);
      reading.end();
      expect(fields).toEqual(written);
    }),
    { seed, numRuns: 200 },
  );
});

test('what ends before its end, or never was such rows, is refused', () => {
  const bytes = Buffer.concat([copyStart, rowBytes({ fields: [Buffer.from('x'), null] }), copyEnd]);
  for (let length = 0; length < bytes.length; length++) {
    const { reading } = readInPieces(bytes.subarray(0, length), []);
    expect(() => reading.end()).toThrow('end in the middle');
  }
  expect(() => new StoredRows().push(Buffer.alloc(30))).toThrow('these are no rows');
});

test('times are those of PostgreSQL, in microseconds since 2000', () => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(826_891_200_123_000n);
  expect(timeOf(bytes)).toEqual(new Date('2026-03-15T12:00:00.123Z'));
});
