// Random weeks of a small clinic, one command after the other and eight clients at once; afterwards a reader finds all books agree: domain.md I17.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { findBadWeek, newTenant } from './weeks.ts';

const seed = Number(process.env.SEED ?? 20_261_123);
const weeks = Number(process.env.WEEKS ?? 2);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test.each([
  { who: 'one client, whose answers are foreseen', clients: 1, commands: 150 },
  { who: 'eight clients at once', clients: 8, commands: 250 },
])(
  `$who: the books agree after each week of $commands commands (seed ${seed})`,
  async ({ clients, commands }) => {
    const open = () => newTenant(server);
    expect(await findBadWeek({ open, clients, commands, weeks, seed })).toBeUndefined();
  },
  600_000,
);

test('nobody met a deadlock or a failure', () => {
  expect(server.logLines.filter((one) => /deadlock|40P01|"level":(50|60)/.test(one))).toEqual([]);
});
