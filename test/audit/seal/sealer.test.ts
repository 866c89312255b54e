// The sealer: each committed AuditEvent once, in order, whatever died in between (security.md 1.8, attack 123, fault 36)

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAnchors } from '../../../src/audit/seal/anchor-lines.ts';
import { findUnsealed, momentOf } from '../../../src/audit/seal/find-unsealed.ts';
import { headHash, isSigned } from '../../../src/audit/seal/head.ts';
import { readHeads, toHead } from '../../../src/audit/seal/head-rows.ts';
import { leafHash, leafSql } from '../../../src/audit/seal/leaf.ts';
import { startSealer } from '../../../src/audit/seal/sealer.ts';
import { makeSealWorld, roots, type SealWorld } from './seal-world.ts';

let world: SealWorld;
beforeAll(async () => {
  world = await makeSealWorld();
});
afterAll(() => world.close());
beforeEach(() => void world.complaints.splice(0));

const heads = (tenantId: number) =>
  world.tenantDoor(tenantId, async (trx) => (await readHeads(trx, 0, 1_000)).map((row) => toHead(tenantId, row)));
const sizes = async (tenantId: number) => (await heads(tenantId)).map(({ size }) => size);
const anchoredSizes = async (tenantId: number) =>
  (await readAnchors(world.anchors)).byTenant.get(tenantId)?.map(({ size }) => size);

describe('a round', () => {
  test('seals what is committed of each tenant, signs a head that names the one before, and anchors it', async () => {
    await world.record(world.a, 300);
    await world.record(world.b, 2);
    expect(await world.sealer.round()).toBe(true);
    await world.record(world.a, 1);
    await world.sealer.round();
    const [first, second] = await heads(world.a);
    expect([first?.size, second?.size]).toEqual([300, 301]);
    expect(first?.prevHash).toEqual(Buffer.alloc(0));
    expect(second?.prevHash).toEqual(headHash(first!));
    expect([isSigned(first!), isSigned(second!), isSigned({ ...second!, size: 302 })]).toEqual([true, true, false]);
    expect(await sizes(world.b)).toEqual([2]);
    expect([await anchoredSizes(world.a), await anchoredSizes(world.b)]).toEqual([[301], [2]]);
    expect([world.sealer.lagMs(), world.sealer.anchorLagMs(), world.complaints]).toEqual([0, 0, []]);
  });

  test('without news writes nothing', async () => {
    const before = [await sizes(world.a), readFileSync(world.anchorFile, 'utf8')];
    await world.sealer.round();
    expect([await sizes(world.a), readFileSync(world.anchorFile, 'utf8')]).toEqual(before);
  });

  test('misses no event whose transaction was still running when later ones were sealed', async () => {
    const [before] = (await sizes(world.b)).slice(-1);
    const committed = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow = world.tenantDoor(world.b, async (trx) => {
      await trx.query({
        text: "INSERT INTO audit_event (last_updated, id, content, tokens) VALUES (now(), 'slow', '\\x01', '{}') RETURNING id",
      });
      begun.resolve();
      await committed.promise;
    });
    await begun.promise;
    await world.record(world.b, 3);
    await world.sealer.round();
    await world.record(world.b, 1);
    await world.sealer.round();
    expect((await sizes(world.b)).slice(-2)).toEqual([before! + 3, before! + 4]);
    committed.resolve();
    await slow;
    await world.sealer.round();
    expect((await sizes(world.b)).at(-1)).toBe(before! + 5);
    await world.verify(world.b);
  });

  test('of another process goes on where one ended, and seals nothing twice', async () => {
    await world.record(world.a, 2);
    const before = (await sizes(world.a)).at(-1)!;
    const other = world.newSealer();
    await other.round();
    await world.record(world.a, 5);
    await Promise.all([other.round(), world.sealer.round(), world.newSealer().round()]);
    await world.sealer.round();
    expect((await sizes(world.a)).at(-1)).toBe(before + 7);
    expect((await world.verify(world.a)).waiting).toBe(0);
    expect(world.complaints).toEqual([]);
  });

  test('finds what is new a part at a time, in the order of numbers and not of their digits', async () => {
    const world = await makeSealWorld();
    const ids = await world.record(world.a, 4);
    const numbers = ['9', '10', '99', '100'];
    await world.doctor(async (client) => {
      for (const [at, tx] of numbers.entries())
        await client.query('UPDATE store.audit_event SET tx = $1::text::xid8 WHERE id = $2', [tx, ids[at]]);
    });
    const found: string[] = [];
    const until = await world.systemDoor(momentOf);
    for (const since of [undefined, { server: until.server, snapshot: '3:3:' }]) {
      for (let after: string | undefined; ; ) {
        const part = { since, until, after, countMin: 1 };
        const events = await world.systemDoor((trx) => findUnsealed(trx, part));
        if (events.length === 0) break;
        found.push(...events.map(({ tx }) => tx));
        after = events.at(-1)?.tx;
      }
    }
    expect(found).toEqual([...numbers, ...numbers]);
    await world.close();
  });

  test('is for one process at a time', async () => {
    const unlocked = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holder = world.systemDoor(async (trx) => {
      await trx.query({ text: 'SELECT pg_advisory_xact_lock(812402)' });
      locked.resolve();
      await unlocked.promise;
    });
    await locked.promise;
    await world.record(world.a, 1);
    const before = await sizes(world.a);
    expect(await world.sealer.round()).toBe(false);
    expect(await sizes(world.a)).toEqual(before);
    unlocked.resolve();
    await holder;
    expect(await world.sealer.round()).toBe(true);
    expect(await sizes(world.a)).toHaveLength(before.length + 1);
  });
});

test('while a turn waits or anchors no transaction of it is open: no lock on AuditEvents, no row that vacuum must keep', async () => {
  const world = await makeSealWorld();
  const open: unknown[] = [];
  const look = () =>
    world.doctor(async (client) => {
      const { rows } = await client.query(
        `SELECT state, backend_xmin, relation::regclass::text FROM pg_stat_activity LEFT JOIN pg_locks USING (pid)
         WHERE datname = current_database() AND usename IN ('hpms_app', 'hpms_system')
           AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL OR relation IS NOT NULL)`,
      );
      open.push(...rows);
    });
  let anchored = 0;
  const append = async (lines: readonly string[]) => {
    anchored += lines.length;
    await look();
  };
  await world.record(world.a, 300);
  await world.newSealer({ anchors: { ...world.anchors, append } }).round(2, async () => {
    await world.record(world.a, 1);
    await look();
    return true;
  });
  expect(anchored).toBe(2);
  expect(open).toEqual([]);
  await world.close();
});

describe('faults (security.md, fault 36)', () => {
  test('after a long time without a sealer all is caught up with, and the lag was told', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    await world.record(world.a, 5_200, hourAgo);
    await world.record(world.b, 700, hourAgo);
    const before = [(await sizes(world.a)).at(-1)!, (await sizes(world.b)).at(-1)!];
    const failing = world.newSealer({
      tenantDoor: (tenantId, work, kind) =>
        tenantId === 0 ? world.tenantDoor(tenantId, work, kind) : Promise.reject(new Error('away')),
    });
    await failing.round();
    expect(failing.lagMs()).toBeGreaterThan(3_500_000);
    await world.newSealer().round();
    expect((await sizes(world.a)).at(-1)).toBe(before[0]! + 5_200);
    expect((await sizes(world.b)).at(-1)).toBe(before[1]! + 700);
    await world.verify(world.a);
    await world.verify(world.b);
  });

  test('what one tenant fails at keeps no other waiting, and is sealed when it can be, also by the next process', async () => {
    const before = [(await sizes(world.a)).at(-1)!, (await sizes(world.b)).at(-1)!];
    const failing = world.newSealer({
      tenantDoor: (tenantId, work, kind) =>
        tenantId === world.a ? Promise.reject(new Error('away')) : world.tenantDoor(tenantId, work, kind),
    });
    for (let round = 0; round < 2; round++) {
      await world.record(world.a, 1);
      await world.record(world.b, 1);
      await failing.round();
    }
    expect([(await sizes(world.a)).at(-1), (await sizes(world.b)).at(-1)]).toEqual([before[0], before[1]! + 2]);
    await world.newSealer().round();
    expect((await sizes(world.a)).at(-1)).toBe(before[0]! + 2);
    await world.verify(world.a);
  });

  test('whenever its connections are cut, nothing is lost and nothing is there twice', async () => {
    const world = await makeSealWorld();
    const sealers = [world.newSealer(), world.newSealer()];
    for (let cut = 0; cut < 12; cut++) {
      await world.doctor((client) =>
        client.query(
          `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
           SELECT CASE n WHEN 0 THEN $2::int ELSE $1::int END, $3 || '-' || n, now(), '\\x01', '{}' FROM generate_series(0, 30) n`,
          [world.a, world.b, String(cut)],
        ),
      );
      const rounds = Promise.allSettled(sealers.map((sealer) => sealer.round()));
      // A little later each time, and so in the middle of something else.
      for (const began = performance.now(); performance.now() < began + cut; ) await new Promise(setImmediate);
      await world.doctor((client) =>
        client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND usename IN ('hpms_app', 'hpms_system')`,
        ),
      );
      await rounds;
    }
    // Connections that were cut while they were idle fail whoever takes them next, once each.
    for (let connection = 0; connection < 12; connection++)
      await world
        .newSealer()
        .round()
        .catch(() => undefined);
    expect(await world.verify(world.a)).toMatchObject({ checked: 360, waiting: 0, head: { size: 360 } });
    expect(await world.verify(world.b)).toMatchObject({ checked: 12, waiting: 0, head: { size: 12 } });
    await world.close();
  });

  test('a head that was changed is not grown on', async () => {
    const world = await makeSealWorld();
    await world.record(world.a, 3);
    await world.sealer.round();
    await world.doctor((client) => client.query("UPDATE store.seal_head SET root = sha256('x')"));
    await world.record(world.a, 1);
    await world.record(world.b, 1);
    await world.sealer.round();
    expect(world.complaints).toMatchObject([{ message: expect.stringContaining('not the one that was signed') }]);
    expect(world.sealer.lagMs()).toBeGreaterThan(0);
    const rows = await world.doctor((client) =>
      client.query('SELECT tenant_id, size::int FROM store.seal_head ORDER BY 1'),
    );
    expect(rows.rows.map(({ size }) => size)).toEqual([3, 1]);
    await world.close();
  });

  test('anchors that are away or lost are told, sealing goes on, and the newest heads follow when there is a place', async () => {
    let isAway = true;
    const append = (lines: readonly string[]) =>
      isAway ? Promise.reject(new Error('The disk is full.')) : world.anchors.append(lines);
    const sealer = world.newSealer({ anchors: { ...world.anchors, append } });
    await world.record(world.a, 1);
    await sealer.round();
    const size = (await sizes(world.a)).at(-1)!;
    expect(await anchoredSizes(world.a)).toEqual([size - 1]);
    expect(world.complaints.at(-1)).toMatchObject({ message: 'The disk is full.' });
    isAway = false;
    await sealer.round();
    expect(await anchoredSizes(world.a)).toEqual([size]);

    await world.record(world.a, 1);
    await sealer.round();
    rmSync(world.anchorFile);
    await world.record(world.b, 1);
    await sealer.round();
    expect(world.complaints.at(-1)).toMatchObject({ message: expect.stringContaining('are gone') });
    await world.newSealer().round();
    expect([await anchoredSizes(world.a), await anchoredSizes(world.b)]).toEqual([
      [size + 1],
      [(await sizes(world.b)).at(-1)],
    ]);
  });

  test('a restored dump, whose transaction numbers are from another server, is sealed on without a doubt', async () => {
    const world = await makeSealWorld();
    await world.record(world.a, 4);
    await world.sealer.round();
    await world.record(world.a, 2);
    await world.doctor(async (client) => {
      // As on a server that is younger than the rows: these were not sealed yet when the dump was made.
      await client.query("UPDATE store.audit_event SET tx = '9000000000000'");
      await client.query(
        `UPDATE store.seal_head SET sealed_until = '{"server":"1","snapshot":"9000000000000:9000000000000:"}'`,
      );
    });
    const sealer = world.newSealer();
    await sealer.round();
    expect((await world.verify(world.a)).head?.size).toBe(6);
    await world.record(world.a, 1);
    await sealer.round();
    await world.newSealer().round();
    expect((await world.verify(world.a)).head?.size).toBe(7);
    await world.close();
  });
});

test('a loop seals by itself and ends with the round under way', async () => {
  const running = startSealer({ ...world, roots, onError: (error) => world.complaints.push(error) });
  await world.record(world.a, 1);
  const before = (await sizes(world.a)).at(-1)!;
  for (let size = before; size === before; size = (await sizes(world.a)).at(-1)!);
  await running.close();
  expect(world.complaints).toEqual([]);
});

test('an anchor file with half a line of a crash takes the next whole one', async () => {
  writeFileSync(world.anchorFile, '{"tenant":1,"si', { flag: 'a' });
  await world.record(world.a, 1);
  await world.newSealer().round();
  const { byTenant, broken } = await readAnchors(world.anchors);
  expect(byTenant.get(world.a)?.at(-1)?.size).toBe((await sizes(world.a)).at(-1));
  expect(broken).toHaveLength(1);
});

test('PostgreSQL works out the same leaf of a row as the server does', async () => {
  const world = await makeSealWorld();
  const rows = fc.record({
    tenant_id: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    id: fc.string({ minLength: 1, maxLength: 64, unit: fc.constantFrom('a', 'Z', '-', '7', 'ä', '\u{1f512}') }),
    lastUpdated: fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    content: fc.uint8Array({ maxLength: 300 }).map(Buffer.from),
  });
  const text = `SELECT ${leafSql('given')} AS leaf FROM (SELECT $1::int AS tenant_id, $2::text AS id,
                  $3::timestamptz(3) AS last_updated, $4::bytea AS content) AS given`;
  await fc.assert(
    fc.asyncProperty(rows, async ({ tenant_id, ...row }) => {
      const values = [tenant_id, row.id, row.lastUpdated.toISOString(), row.content];
      const [found] = await world.systemDoor((trx) => trx.query<{ leaf: Buffer }>({ name: 'leaf', text, values }));
      expect(found?.leaf).toEqual(leafHash(tenant_id, row));
    }),
  );
  await world.close();
});
