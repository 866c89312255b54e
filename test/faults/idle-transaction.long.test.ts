// A session of ours that begins, takes a lock and falls silent is ended by PostgreSQL, and whoever needs the lock goes on (fault 14).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connectionSettings } from '../../src/database/pool.ts';
import { buildPatient } from '../support/builders.ts';
import { testRootKey } from '../support/database.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';

describe('idle in transaction: fault 14', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
    await bed.start({ does: { api: true, jobs: false } });
  });
  afterAll(() => bed.close());

  test('503 lock-error while it lasts, and after half a minute it is over', async () => {
    const patient = await bed.a.create(buildPatient());
    const idle = new pg.Client(
      connectionSettings({ databaseUrl: bed.database.url, role: 'hpms_app', rootKey: testRootKey }),
    );
    const ended = new Promise<Error>((resolve) => idle.on('error', resolve));
    await idle.connect();
    await idle.query('BEGIN');
    await idle.query("SELECT set_config('hpms.tenant_id', $1, true)", [String(bed.a.tenantId)]);
    await idle.query('SELECT FROM resource WHERE id = $1 FOR UPDATE', [patient.id]);
    const startedAt = performance.now();
    const { status, json } = await bed.a.request('PUT', `/Patient/${patient.id}`, patient);
    expect([status, json.issue[0].code]).toEqual([503, 'lock-error']);
    // https://www.postgresql.org/docs/current/errcodes-appendix.html: idle_in_transaction_session_timeout
    expect(await ended).toMatchObject({ code: '25P03' });
    expect(performance.now() - startedAt).toBeLessThan(40_000);
    await bed.a.update(patient);
    expect(await findProblems(bed, [])).toEqual([]);
  });
});
