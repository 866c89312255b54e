// What addToOutbox stores, and what it does not store twice: domain.md section 3.6.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { validate, version } from 'uuid';
import { addToOutbox } from '../../src/jobs/outbox.ts';
import { createTestDatabase } from '../support/database.ts';
import { JobBed, newEvent, runSql } from './job-bed.ts';

describe('the outbox', () => {
  let bed: JobBed;
  beforeAll(async () => {
    const noQueue = {
      connection: () => ({ redisUrl: '' }),
      goAway: async () => undefined,
      comeBack: async () => undefined,
      flush: async () => undefined,
      stop: async () => undefined,
    };
    bed = await JobBed.open(await createTestDatabase(), noQueue);
  });
  afterAll(() => bed.close());

  test('takes any number of events in one statement, each pending under a UUIDv7 of its own', async () => {
    const ids = await bed.add(250);
    const rows = await bed.outbox(ids);
    expect(rows).toHaveLength(250);
    expect(new Set(rows.map((row) => row.status))).toEqual(new Set(['pending']));
    expect(rows.every((row) => validate(row.id) && version(row.id) === 7)).toBe(true);
    expect(new Set(rows.map((row) => row.tenantId))).toEqual(new Set([bed.tenants[0]]));
  });

  test('holds topic, resource and both versions, the earlier one only when there is one', async () => {
    const event = { ...newEvent('created'), oldVersionId: undefined, newVersionId: 1 };
    await bed.tenantDoor(bed.tenants[0], async (trx) => addToOutbox(trx, [event, newEvent('changed')]));
    const rows = await runSql(
      bed.database.url,
      `SELECT event_key, topic, resource_type, resource_id, old_version_id, new_version_id FROM store.outbox
       WHERE resource_id IN ('created', 'changed') ORDER BY resource_id DESC`,
    );
    const same = { topic: 'appointment.fulfilled', resource_type: 'Appointment' };
    expect(rows).toEqual([
      {
        event_key: 'appointment.fulfilled-created',
        resource_id: 'created',
        old_version_id: null,
        new_version_id: 1,
        ...same,
      },
      {
        event_key: 'appointment.fulfilled-changed',
        resource_id: 'changed',
        old_version_id: 1,
        new_version_id: 2,
        ...same,
      },
    ]);
  });

  test('keeps the first of two events with one key, in one call, one after the other, or at the same time', async () => {
    const event = newEvent('twice');
    const add = (newVersionId: number) =>
      bed.tenantDoor(bed.tenants[0], async (trx) =>
        addToOutbox(trx, [
          { ...event, newVersionId },
          { ...event, newVersionId: 99 },
        ]),
      );
    await add(2);
    await Promise.all([add(3), add(4), add(5)]);
    const rows = await runSql(bed.database.url, "SELECT new_version_id FROM store.outbox WHERE resource_id = 'twice'");
    expect(rows).toEqual([{ new_version_id: 2 }]);
  });

  test('takes the same key of another tenant as another event', async () => {
    for (const tenant of bed.tenants) {
      await bed.tenantDoor(tenant, async (trx) => addToOutbox(trx, [newEvent('both')]));
    }
    expect((await bed.outbox(['both'])).map((row) => row.tenantId).sort()).toEqual([...bed.tenants].sort());
  });

  test('has nothing of a transaction that was rolled back', async () => {
    const failing = bed.tenantDoor(bed.tenants[0], async (trx) => {
      addToOutbox(trx, [newEvent('undone')]);
      throw new Error('undo');
    });
    await expect(failing).rejects.toThrow('undo');
    expect(await bed.outbox(['undone'])).toEqual([]);
  });

  test('sends no statement for no events', async () => {
    const statements: unknown[] = [];
    const trx = {
      tenantId: 1,
      query: async () => [],
      execute: (statement: unknown) => void statements.push(statement),
    };
    addToOutbox(trx, []);
    expect(statements).toEqual([]);
  });
});
