// A server that is killed right behind its answers has put each of them on record, and another one makes the AuditEvents: security.md, fault 1 and attack 122.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { requestIdOf } from '../audit/trail/events.ts';
import { buildPatient } from '../support/builders.ts';
import { FaultBed, waitFor } from './bed.ts';
import { startMain } from './processes.ts';

const rounds = 5;
const readersCount = 8;

let bed: FaultBed;
beforeAll(async () => {
  bed = await FaultBed.open();
}, 120_000);
afterAll(() => bed.close());

test(`${rounds} kills between commit and AuditEvents lose none`, async () => {
  const answered: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const main = await startMain('api', { dataDir: bed.dataDir, databaseUrl: bed.database.url });
    bed.origin = main.origin;
    const { id } = await bed.a.create(buildPatient());
    const reader = async () => {
      for (;;) {
        const requestId = randomUUID();
        const answer = await bed.a.request('GET', `/Patient/${id}`, undefined, { 'X-Request-Id': requestId });
        if (answer.status === 200) answered.push(requestId);
      }
    };
    const before = answered.length;
    const readers = Promise.allSettled(Array.from({ length: readersCount }, reader));
    await waitFor('reads are answered', () => answered.length > before + 50 * (round + 1));
    main.child.kill('SIGKILL');
    await main.exited;
    await readers;
  }
  await bed.start();
  await waitFor('no block is left', async () => {
    const [row] = await bed.sql<{ count: number }>('SELECT count(*)::int FROM store.access_block');
    return row?.count === 0;
  });
  const events = await bed.a.all<AuditEvent>('AuditEvent', '&subtype=read');
  const told = new Map<string, number>();
  for (const event of events) {
    const requestId = requestIdOf(event);
    told.set(requestId, (told.get(requestId) ?? 0) + 1);
  }
  expect(answered.length).toBeGreaterThan(rounds * 50);
  expect(answered.filter((requestId) => told.get(requestId) !== 1)).toEqual([]);
}, 120_000);
