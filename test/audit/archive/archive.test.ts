// Months that leave the database into files and come back: domain.md S4-K3a, S4-K3c, S4-T4, S4-C04 (issue 8, Archiving)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { placeHold, releaseHold } from '../../../src/audit/archive/legal-hold.ts';
import { listArchives, retokened, signShares } from '../../../src/audit/archive/manifest.ts';
import { withOperator } from '../../../src/audit/archive/operator.ts';
import { proveEvent } from '../../../src/audit/seal/verify/prove-event.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { createObjectSweep } from '../../../src/repository/sweep-objects.ts';
import { shredTenant } from '../../../src/tenants/tenant-status.ts';
import { withClient } from '../../support/database.ts';
import { strangersKey } from '../seal/doctored.ts';
import { type ArchiveWorld, inMonth, makeArchiveWorld, month } from './archive-world.ts';

const objectId = '00000000-0000-7000-8000-00000000000a';

let world: ArchiveWorld;
const before = { audit_event: '', history: '' };
beforeAll(async () => {
  world = await makeArchiveWorld();
  await world.record(world.a, 300, inMonth);
  await world.record(world.b, 40, inMonth);
  await world.record(world.a, 5);
  await world.sealer.round();
  await world.supersede(world.a, 'p', 4);
  await world.supersede(world.b, 'p', 2, objectId);
  before.audit_event = await world.fingerprint('audit_event');
  before.history = await world.fingerprint('history');
});
afterAll(() => world.close());

const manifest = () =>
  world.query<{ tenant_id: number; part: number; rows: string }>(
    'SELECT tenant_id, part, rows FROM store.archive ORDER BY table_name, part, tenant_id',
  );

/** As `npm run archive -- --check` does it with the rows that it has found in the file. */
async function sign(counts: ReadonlyMap<number, number>, key = world.sealKey): Promise<number> {
  return await withClient(world.url, async (client) => {
    const [archived] = await listArchives(client);
    return await signShares(client, archived!, counts, key);
  });
}

async function expectUntouched(): Promise<void> {
  expect(await manifest()).toEqual([]);
  expect(await world.query('SELECT FROM store.archived_object')).toEqual([]);
  expect(await world.fingerprint('audit_event')).toBe(before.audit_event);
  expect(await world.fingerprint('history')).toBe(before.history);
}

describe('a month', () => {
  afterEach(expectUntouched);

  test('of AuditEvents goes into a file and comes back, the rows of all tenants as they were, byte by byte', async () => {
    expect(await world.archive()).toMatchObject({ rows: 340 });
    expect(await manifest()).toEqual([
      { tenant_id: world.a, part: 1, rows: '300' },
      { tenant_id: world.b, part: 1, rows: '40' },
    ]);
    expect(await world.query('SELECT count(*)::int AS n FROM store.audit_event')).toEqual([{ n: 5 }]);
    await world.restore();
    expect(await world.verify(world.a)).toMatchObject({ checked: 305, archived: 0 });
  });

  test('that is archived is no deletion to who verifies the seal; a row more that is missing is one', async () => {
    await world.archive();
    expect(await world.verify(world.a)).toMatchObject({ checked: 305, archived: 300 });
    const [leaf] = await world.query<{ id: string }>(
      'SELECT ids[1] AS id FROM store.seal_leaves ORDER BY tenant_id, first',
    );
    const prove = (id = '') => world.tenantDoor(world.a, (trx) => proveEvent(trx, id, undefined));
    expect(await prove(leaf?.id)).toMatchObject({ index: 0, lastUpdated: inMonth });
    await expect(prove(newId(inMonth.getTime()))).rejects.toThrow('neither stored nor sealed');
    const claim = async (rows: number) => {
      await world.query('UPDATE store.archive SET rows = $2, signature = NULL WHERE tenant_id = $1', [world.a, rows]);
      await sign(new Map([[world.a, rows]]));
    };
    await claim(299);
    await expect(world.verify(world.a)).rejects.toThrow(/^deleted: Of 2026-03 300 AuditEvents are not there, and 299/);
    await claim(300);
    await world.restore();
  });

  test('is one only where that is signed: who can write to the database cannot call a deletion an archive', async () => {
    await world.archive();
    const [first] = await world.query<{ id: string }>(
      'SELECT ids[1] AS id FROM store.seal_leaves WHERE tenant_id = $1',
      [world.a],
    );
    const prove = () => world.tenantDoor(world.a, (trx) => proveEvent(trx, first?.id ?? '', world.sealKey.key));
    const forged = 'archive: Part 1 of the archive of 2026-03 is not as this installation has signed it.';
    const expectRefused = async (message: string | RegExp) => {
      await expect(world.verify(world.a)).rejects.toThrow(message);
      await expect(prove()).rejects.toThrow(message);
    };
    const set = (columns: string, value?: unknown) =>
      world.query(`UPDATE store.archive SET ${columns} WHERE tenant_id = $1`, [
        world.a,
        ...(value === undefined ? [] : [value]),
      ]);
    expect(await prove()).toMatchObject({ index: 0 });
    await set('rows = rows + 1');
    await expectRefused(forged);
    await set('rows = rows - 1, signature = (SELECT signature FROM store.archive WHERE tenant_id = $2)', world.b);
    await expectRefused(forged);
    await set('signature = NULL');
    await expectRefused(/^archive: Part 1 of the archive of 2026-03 is not signed; npm run archive -- --check/);
    await sign(new Map([[world.a, 300]]), strangersKey());
    await expectRefused(forged);
    await set('signature = NULL');
    await expect(sign(new Map([[world.a, 299]]))).rejects.toThrow(`has 299 rows of tenant ${world.a}, and 300 were`);
    expect(await sign(new Map([[world.a, 300]]))).toBe(1);
    expect(await world.verify(world.a)).toMatchObject({ archived: 300 });
    await world.restore();
  });

  test('of versions takes their stored objects along: nobody sweeps what an archived version names', async () => {
    expect(await world.archive({ table: 'history' })).toMatchObject({ rows: 6 });
    const removed: string[] = [];
    const objectStore = {
      async *listBefore() {
        yield* [objectId, objectId.replace('a', 'b')];
      },
      remove: async (id: string) => void removed.push(id),
    };
    await createObjectSweep({ systemDoor: world.systemDoor, objectStore, now: () => new Date() })();
    expect(removed).toEqual([objectId.replace('a', 'b')]);
    await world.restore('history');
  });

  test('can be written to again, and is archived again as a second file', async () => {
    await world.archive({ table: 'history' });
    await world.supersede(world.a, 'q', 3);
    await world.archive({ table: 'history' });
    expect((await manifest()).map(({ part, rows }) => [part, rows])).toEqual([
      [1, '4'],
      [1, '2'],
      [2, '3'],
    ]);
    await world.restore('history');
    await world.doctor((client) => client.query("DELETE FROM store.history WHERE id = 'q'"));
  });

  test('that is not over stays', async () => {
    await expect(world.archive({ now: () => inMonth })).rejects.toThrow('2026-03 is not over.');
  });

  test('without a row stays', async () => {
    expect(await world.archive({ month: '2026-02' })).toBeUndefined();
  });
});

describe('whatever stops it leaves all as it was', () => {
  afterEach(expectUntouched);

  test.each(['copied', 'verified', 'exchanging'] as const)('a kill when it has %s', async (point) => {
    for (const table of ['audit_event', 'history'] as const) {
      const reached = async (at: string) => {
        if (at !== point) return;
        await world.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()`,
        );
      };
      await expect(world.archive({ table, reached })).rejects.toThrow();
    }
  });

  test('a row that is written meanwhile', async () => {
    const reached = (at: string) => (at === 'copied' ? world.supersede(world.a, 'late', 1) : Promise.resolve());
    await expect(world.archive({ table: 'history', reached })).rejects.toThrow('written meanwhile');
    await world.doctor((client) => client.query("DELETE FROM store.history WHERE id = 'late'"));
  });

  test('a row that was edited or deleted since it was sealed', async () => {
    const [row] = await world.query<{ id: string; content: Buffer }>(
      'SELECT id, content FROM store.audit_event WHERE last_updated = $1 LIMIT 1',
      [inMonth],
    );
    const setContent = (content: Buffer | undefined) =>
      world.doctor((client) =>
        client.query('UPDATE store.audit_event SET content = $2 WHERE id = $1', [row?.id, content]),
      );
    await setContent(Buffer.from('another'));
    await expect(world.archive()).rejects.toThrow(`edited: AuditEvent/${row?.id}`);
    await setContent(row?.content);
    await world.doctor((client) => client.query('CREATE TABLE store.kept AS SELECT * FROM store.audit_event'));
    await world.doctor((client) => client.query('DELETE FROM store.audit_event WHERE id = $1', [row?.id]));
    await expect(world.archive()).rejects.toThrow(/^deleted: Of tenant \d+ \d+ AuditEvents of 2026-03 were sealed/);
    await world.doctor((client) =>
      client.query(
        `INSERT INTO store.audit_event SELECT * FROM store.kept WHERE id = '${row?.id}'; DROP TABLE store.kept`,
      ),
    );
  });

  test('another archive command', async () => {
    await withOperator(world.url, async () => {
      await expect(world.archive()).rejects.toThrow('Another archive command');
    });
  });

  test('somebody who reads for longer than it waits, until he ends; others read on meanwhile', async () => {
    const reader = new pg.Client({ connectionString: world.url });
    await reader.connect();
    await reader.query('BEGIN; SELECT count(*) FROM store.audit_event');
    let attempts = 0;
    const reached = async (at: string) => {
      if (at !== 'exchanging') return;
      attempts += 1;
      expect(await world.query('SELECT count(*)::int AS n FROM store.audit_event')).toEqual([{ n: 345 }]);
      if (attempts === 2) await reader.query('COMMIT');
    };
    expect(await world.archive({ reached })).toMatchObject({ rows: 340 });
    expect(attempts).toBe(2);
    await reader.end();
    await world.restore();
  });
});

describe('a file that is not what was archived', () => {
  test('is refused, whichever of its bytes is flipped, and when it is not there', async () => {
    const { file = '' } = (await world.archive()) ?? {};
    const bytes = readFileSync(file);
    for (const at of [0, 40, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      writeFileSync(file, flipped);
      await expect(world.restore()).rejects.toThrow('is not as it was archived: its SHA-256 is another one.');
    }
    writeFileSync(file, bytes.subarray(0, -1));
    await expect(world.restore()).rejects.toThrow('SHA-256');
    await world.query("UPDATE store.archive SET file = 'x'");
    await expect(world.restore()).rejects.toThrow('cannot be read: ENOENT');
    expect(await world.query('SELECT count(*)::int AS n FROM store.audit_event')).toEqual([{ n: 5 }]);
    await world.query('UPDATE store.archive SET file = $1', [path.basename(file)]);
    writeFileSync(file, bytes);
    await world.restore();
    await expectUntouched();
  });

  test('has a name of its own: nothing is written over', async () => {
    const files = readdirSync(world.folder);
    expect(files.length).toBeGreaterThan(3);
    for (const name of files) expect(name).toMatch(/^(audit_event|history)-2026-03-\d{8}T\d{9}Z\.hpms$/);
  });
});

test('whose index key was rotated meanwhile is told: searches ask by other tokens now', async () => {
  await world.archive();
  const stale = () =>
    withClient(world.url, async (client) => await retokened(client, (await listArchives(client))[0]!));
  expect(await stale()).toEqual([]);
  await world.query(
    `INSERT INTO store.tenant_key (tenant_id, purpose, version, wrapped, created_at)
     VALUES ($1, 'index', 1, '', now() + interval '1 s'), ($1, 'data', 1, '', now() + interval '1 s'), ($2, 'index', 1, '', now() - interval '1 h')`,
    [world.a, world.b],
  );
  expect(await stale()).toEqual(['a']);
  await world.restore();
  await expectUntouched();
});

describe('a legal hold', () => {
  test('keeps every month with rows of its tenant in the database, and its keys', async () => {
    expect(await withOperator(world.url, (client) => placeHold(client, world.b, 'officer'))).toBe(true);
    expect(await withOperator(world.url, (client) => placeHold(client, world.b, 'officer'))).toBe(false);
    await expect(world.archive()).rejects.toThrow('has rows of tenants under legal hold: b.');
    await world.query("UPDATE store.tenant SET status = 'suspended', suspended_at = now() WHERE id = $1", [world.b]);
    await expect(shredTenant(world.systemDoor, 'b')).rejects.toThrow('under legal hold');
    await expect(world.query("SELECT system.shred_tenant('b')")).rejects.toThrow('under legal hold');
    expect(await withOperator(world.url, (client) => releaseHold(client, world.b))).toBe(true);
    expect(await world.archive()).toMatchObject({ rows: 340 });
    await world.restore();
    await shredTenant(world.systemDoor, 'b');
    await expect(withOperator(world.url, (client) => placeHold(client, world.b, 'officer'))).rejects.toThrow(
      'shredded',
    );
  });

  test('that is set while a month is copied still stops it', async () => {
    const place = () => withClient(world.url, (client) => placeHold(client, world.a, 'officer'));
    const reached = async (at: string) => void (at === 'verified' && (await place()));
    await expect(world.archive({ reached })).rejects.toThrow('under legal hold: a.');
    await withOperator(world.url, (client) => releaseHold(client, world.a));
    await expectUntouched();
  });
});

test('no role of the servers can take a month away, say that it is archived, or set a hold (security.md 116)', async () => {
  const statements = [
    `ALTER TABLE store.audit_event DETACH PARTITION store.audit_event_${month.replace('-', '_')}`,
    `DROP TABLE store.audit_event_${month.replace('-', '_')}`,
    "SELECT store.make_partition('audit_event', '2020-01-01')",
    `INSERT INTO store.archive (tenant_id, table_name, month, part, rows, file, sha256, archived_by)
     VALUES (1, 'audit_event', '2026-03-01', 1, 1, 'x', '\\x00', 'x')`,
    'INSERT INTO store.legal_hold (tenant_id, held_by) VALUES (1, $$x$$)',
    'DELETE FROM store.legal_hold',
  ];
  for (const role of ['hpms_app', 'hpms_system', 'hpms_queue', 'hpms_reindex']) {
    await withClient(world.url, async (client) => {
      await client.query(`SET SESSION AUTHORIZATION ${role}`);
      for (const text of statements) await expect(client.query(text)).rejects.toMatchObject({ code: '42501' });
    });
  }
});
