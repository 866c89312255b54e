// Random weeks of a small clinic, one command after the other and eight clients at once; afterwards a reader finds all books agree: domain.md I17.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { deadlocksOf } from './book-one-time.ts';
import { readBooks } from './books.ts';
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

test('nobody met a deadlock or a failure', async () => {
  expect(await deadlocksOf(server)).toEqual([]);
});

test('a clinic beside them has nothing of it', async () => {
  const books = Object.values(await readBooks(server.b)) as readonly (readonly Resource[])[];
  expect(books.flat().filter(({ resourceType }) => resourceType !== 'Account')).toEqual([]);
});
