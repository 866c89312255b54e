// Positions in the write-ahead log and the names of its files, as PostgreSQL itself computes them.

import { expect, test } from '@jest/globals';
import { formatLsn, parseLsn, parseSegmentName, segmentName, segmentStart } from '../../src/database/wal-position.ts';
import { testServer, withClient } from '../support/database.ts';

const mebibyte = 2 ** 20;
const positions = ['0/1', '0/3000028', '1/FFFFFFFF', '2/4A1F28', 'A/0', 'FFFFFFFF/FFFFFFFF'];

test('a position reads and writes as it was', () => {
  expect(positions.map((text) => formatLsn(parseLsn(text)))).toEqual(positions);
});

test('a file has the name that pg_walfile_name gives it, and its name says where it begins', async () => {
  const { rows } = await withClient(testServer().serverUrl, (client) =>
    client.query<{ lsn: string; name: string; timeline: number; bytes: number }>(
      `SELECT lsn, pg_walfile_name(lsn::pg_lsn) AS name, (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
         (SELECT setting::integer FROM pg_settings WHERE name = 'wal_segment_size') AS bytes
       FROM unnest($1::text[]) AS lsn`,
      // PostgreSQL counts the first byte of a file to the one before in this function.
      [positions.filter((text) => !text.endsWith('/0'))],
    ),
  );
  for (const { lsn, name, timeline, bytes } of rows) {
    expect(segmentName(timeline, parseLsn(lsn), bytes)).toBe(name);
    expect(parseSegmentName(name, bytes)).toEqual({ timeline, lsn: segmentStart(parseLsn(lsn), bytes) });
  }
});

test('what is no file of the log is told from one', () => {
  const names = ['00000002.history', '000000010000000000000008.partial', 'archive_status', ''];
  expect(names.map((name) => parseSegmentName(name, 16 * mebibyte))).toEqual(names.map(() => undefined));
});
