// Whatever was done to sealed AuditEvents behind the server's back is found and named (security.md 1.8, attack 123)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { readAnchors } from '../../../src/audit/seal/anchor-lines.ts';
import { type Head, signedBytes } from '../../../src/audit/seal/head.ts';
import { findSealKey, openSealKey } from '../../../src/audit/seal/seal-key.ts';
import type { VerifyTreeOptions } from '../../../src/audit/seal/verify/verify-tree.ts';
import { type Surgeon, strangersKey, verdictOf } from './doctored.ts';
import { makeSealWorld, roots, type SealWorld } from './seal-world.ts';

const seed = 123;
/** Batches that end within tiles, at their ends and behind several. */
const batches = [1, 3, 252, 1, 300, 211, 7];
const total = batches.reduce((sum, size) => sum + size, 0);

let world: SealWorld;
let client: pg.Client;
let options: VerifyTreeOptions;
/** Of tenant a, in the order of the tree. */
const ids: string[] = [];
/** The anchors as they were written, one for each batch. */
const anchors: Head[] = [];

beforeAll(async () => {
  world = await makeSealWorld();
  const begunAt = Date.now() - 3_600_000;
  for (const [at, size] of batches.entries()) {
    ids.push(...(await world.record(world.a, size, new Date(begunAt + at * 60_000))));
    await world.record(world.b, 2, new Date(begunAt + at * 60_000));
    await world.sealer.round();
    anchors.push(...((await readAnchors(world.anchors)).byTenant.get(world.a) ?? []));
  }
  const key = (await findSealKey(world.tenantDoor, roots)) ?? '';
  options = { key, anchors: anchors.slice(-1), now: new Date() };
  client = new pg.Client({ connectionString: world.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await world.close();
});

const verdict = (
  operate: (surgeon: Surgeon) => Promise<unknown>,
  more: Partial<VerifyTreeOptions> = {},
  tenant = world.a,
) => verdictOf(client, tenant, { ...options, ...more }, async (surgeon) => void (await operate(surgeon)));
const nothing = () => Promise.resolve();
const place = fc.nat({ max: total - 1 });
const always = (property: fc.IAsyncProperty<unknown>, numRuns = 15) => fc.assert(property, { seed, numRuns });
const rowOf = 'WHERE tenant_id = (SELECT tenant.current_id()) AND id = $1';

test('as it was sealed it is sound, from its beginning and from each anchor', async () => {
  expect(await verdict(nothing)).toBe('sound');
  expect(await world.verify(world.a)).toMatchObject({ checked: total, heads: batches.length, waiting: 0, archived: 0 });
  for (const { size, root } of anchors) {
    expect(await verdict(nothing, { since: { size, root, by: 'The anchor' } })).toBe('sound');
  }
  expect(await verdict(nothing, { anchors }, world.a)).toBe('sound');
});

describe('rows', () => {
  test('that were edited are named', () =>
    always(
      fc.asyncProperty(place, async (at) => {
        const edit = ({ query }: Surgeon) =>
          query(`UPDATE store.audit_event SET content = set_byte(content, 7, get_byte(content, 7) # 1) ${rowOf}`, [
            ids[at],
          ]);
        expect(await verdict(edit)).toMatch(`edited: AuditEvent/${ids[at]} of `);
      }),
    ));

  test('of which several were edited are named by the first', () =>
    always(
      fc.asyncProperty(fc.uniqueArray(place, { minLength: 2, maxLength: 5 }), async (places) => {
        const edit = async ({ query }: Surgeon) => {
          for (const at of places)
            await query(`UPDATE store.audit_event SET content = sha256(content) ${rowOf}`, [ids[at]]);
        };
        expect(await verdict(edit)).toMatch(`edited: AuditEvent/${ids[Math.min(...places)]} of `);
      }),
      8,
    ));

  test('that were deleted are named, and those with another time are as good as deleted', () =>
    always(
      fc.asyncProperty(place, fc.boolean(), async (at, isMoved) => {
        const text = isMoved
          ? `UPDATE store.audit_event SET last_updated = last_updated + interval '1 s' ${rowOf}`
          : `DELETE FROM store.audit_event ${rowOf}`;
        expect(await verdict(({ query }) => query(text, [ids[at]]))).toMatch(`deleted: AuditEvent/${ids[at]} of `);
      }),
    ));

  test('that were swapped are named both', () =>
    always(
      fc.asyncProperty(fc.uniqueArray(place, { minLength: 2, maxLength: 2 }), async (places) => {
        const [first, second] = places.toSorted((one, other) => one - other).map((at) => ids[at]);
        const swap = ({ query }: Surgeon) =>
          query(
            `UPDATE store.audit_event one SET content = other.content FROM store.audit_event other
             WHERE one.tenant_id = $3 AND other.tenant_id = $3 AND (one.id, other.id) IN (($1, $2), ($2, $1))`,
            [first, second, world.a],
          );
        const named = await verdict(swap);
        expect(named).toMatch(`swapped: AuditEvent/${first} of `);
        expect(named).toMatch(`has the content of AuditEvent/${second} of `);
      }),
    ));

  test('that were put in past the sealer are named once they are a minute old', async () => {
    const insert = (age: string) => (surgeon: Surgeon) =>
      surgeon.query(
        `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
         VALUES ($1, 'forged', now() - interval '${age}', '\\x01', '{}')`,
        [world.a],
      );
    expect(await verdict(insert('40 minutes'))).toMatch('inserted: AuditEvent/forged of ');
    expect(await verdict(insert('61 s'), { now: new Date() })).toMatch('inserted: AuditEvent/forged of ');
    expect(await verdict(insert('5 s'), { now: new Date() })).toBe('sound');
  });

  test('another tenant had are nobody else’s matter', async () => {
    const wipe = ({ query }: Surgeon) => query('DELETE FROM store.audit_event WHERE tenant_id = $1', [world.a]);
    expect(await verdict(wipe)).toMatch(`deleted: AuditEvent/${ids[0]} of `);
    expect(await verdict(wipe, { anchors: [] }, world.b)).toBe('sound');
  });

  test('that differ by their tokens alone are as they were sealed', async () => {
    expect(await verdict(({ query }) => query("UPDATE store.audit_event SET tokens = '{1,2}'"))).toBe('sound');
  });
});

/** Rows, leaves and heads of the last batches, as if they had never been: what a dump of before holds too. */
const cut =
  (kept: number) =>
  async ({ query }: Surgeon) => {
    const size = batches.slice(0, kept).reduce((sum, one) => sum + one, 0);
    await query('DELETE FROM store.audit_event WHERE tenant_id = $1 AND id = ANY ($2)', [world.a, ids.slice(size)]);
    await query('DELETE FROM store.seal_leaves WHERE tenant_id = $1 AND first >= $2', [world.a, size]);
    await query('DELETE FROM store.seal_head WHERE tenant_id = $1 AND size > $2', [world.a, size]);
  };

describe('the tree', () => {
  test('whose end was cut off, or of an older dump that was brought back, is behind its anchor', async () => {
    for (let kept = 0; kept < batches.length; kept++) {
      const named = await verdict(cut(kept));
      expect(named).toMatch(
        /^behind-anchor: The anchor of .* knows of 775 events, the database of \d+: its end was cut off/,
      );
      // Nothing in the database itself says so.
      expect(await verdict(cut(kept), { anchors: undefined })).toBe('sound');
    }
  });

  test('of an older dump that was sealed on is not the one of the anchor, with the right key too', async () => {
    const key = await openSealKey(world.tenantDoor, roots);
    const grown = async (surgeon: Surgeon) => {
      await cut(4)(surgeon);
      await surgeon.query(
        `INSERT INTO store.audit_event (tenant_id, id, last_updated, content, tokens)
         SELECT $1, 'new' || n, now(), '\\x01', '{}' FROM generate_series(1, 1000) n`,
        [world.a],
      );
      await surgeon.sealAnew(key);
    };
    expect(await verdict(grown)).toMatch(/^rewritten: The anchor of .* has another root for the first 775 events/);
    // Whoever knows of the restored dump goes on from the last anchor before it.
    const [, , , before] = anchors;
    const since = { size: before!.size, root: before!.root, by: 'The anchor' };
    expect(await verdict(grown, { since, anchors: undefined })).toBe('sound');
  });

  test('that was made anew, hashes and tiles and heads, is not signed by the key of this installation', () =>
    always(
      fc.asyncProperty(place, async (at) => {
        const rewrite = async (surgeon: Surgeon) => {
          await surgeon.query(`UPDATE store.audit_event SET content = sha256(content) ${rowOf}`, [ids[at]]);
          await surgeon.sealAnew(strangersKey());
        };
        expect(await verdict(rewrite, { anchors: undefined })).toMatch(
          /^rewritten: The head of .* is not signed by the key/,
        );
      }),
      4,
    ));

  test('with another head than was signed has that head named', () =>
    always(
      fc.asyncProperty(fc.nat({ max: batches.length - 1 }), async (at) => {
        const { size } = anchors[at] as Head;
        const change = ({ query }: Surgeon) =>
          query('UPDATE store.seal_head SET root = sha256(root) WHERE tenant_id = $1 AND size = $2', [world.a, size]);
        expect(await verdict(change, { anchors: undefined })).toMatch(/^(rewritten|gap): The (head|leaves) of /);
        const resign = ({ query }: Surgeon) =>
          query(
            'UPDATE store.seal_head SET signature = sha256(signature) || sha256(root) WHERE tenant_id = $1 AND size = $2',
            [world.a, size],
          );
        expect(await verdict(resign, { anchors: undefined })).toMatch(/^(rewritten|gap): The head of /);
      }),
      6,
    ));

  test('with other leaves than were sealed, or leaves in another order, has their events named', async () => {
    const change = (set: string) => (surgeon: Surgeon) =>
      surgeon.query(`UPDATE store.seal_leaves SET ${set} WHERE tenant_id = $1 AND first = 257`, [world.a]);
    const turned = 'ids = ids[2:] || ids[1:1]';
    expect(await verdict(change(turned))).toMatch(/^edited: |^rewritten: /);
    expect(await verdict(change('tile_hash = sha256(tile_hash)'))).toBe(
      'rewritten: The tile of events 257 to 512 has another hash than its leaves.',
    );
    const row = await client.query('SELECT hashes FROM store.seal_leaves WHERE tenant_id = $1 AND first = 257', [
      world.a,
    ]);
    const hashes = row.rows[0].hashes as Buffer;
    const swapped = Buffer.concat([hashes.subarray(32, 64), hashes.subarray(0, 32), hashes.subarray(64)]);
    const reorder = ({ query }: Surgeon) =>
      query(
        `UPDATE store.seal_leaves SET hashes = $2, ids = ids[2:2] || ids[1:1] || ids[3:] WHERE tenant_id = $1 AND first = 257`,
        [world.a, swapped],
      );
    expect(await verdict(reorder)).toMatch('rewritten: The tile of events 257 to 512');
    const reorderAll = async (surgeon: Surgeon) => {
      await reorder(surgeon);
      await change('tile_hash = NULL')(surgeon);
    };
    expect(await verdict(reorderAll)).toMatch(/^rewritten: /);
  });

  test('with leaves or heads taken away has a gap', async () => {
    const without =
      (table: string, where: string) =>
      ({ query }: Surgeon) =>
        query(`DELETE FROM store.${table} WHERE tenant_id = $1 AND ${where}`, [world.a]);
    expect(await verdict(without('seal_leaves', 'first = 1'))).toBe('gap: Leaf 2 is not there.');
    expect(await verdict(without('seal_leaves', 'first >= 256'))).toMatch(
      /^gap: The head of .* is about 257 events, and leaves are there for 256\./,
    );
    expect(await verdict(without('seal_leaves', 'true'))).toMatch(/^gap: /);
    expect(await verdict(without('seal_head', 'size = 257'))).toMatch(
      /^gap: The head of .* \(557 events\) does not follow the one of .* \(256 events\)/,
    );
    expect(await verdict(without('seal_head', 'size = 1'))).toMatch('is not the first one');
    expect(await verdict(without('seal_head', 'size > 768'), { anchors: undefined })).toBe(
      'gap: Leaves are there for 775 events, and the last head is about 768.',
    );
  });
});

describe('anchors', () => {
  const later = new Date(Date.now() + 600_000);

  test('that are lost are missed five minutes after the last head', async () => {
    expect(await verdict(nothing, { anchors: [] })).toBe('sound');
    expect(await verdict(nothing, { anchors: [], now: later })).toMatch(
      /^anchor: No anchor is there, though 775 events were sealed/,
    );
    const [one] = anchors;
    expect(await verdict(nothing, { anchors: [one!], now: later })).toMatch(
      /^anchor: Behind The anchor of .* \(1 events\) no other/,
    );
  });

  test('that somebody else made, or changed, count for nothing', async () => {
    const anchor = anchors.at(-1) as Head;
    const { key, sign } = strangersKey();
    const forged = { ...anchor, key, signature: sign(signedBytes({ ...anchor, key })) };
    expect(await verdict(nothing, { anchors: [forged] })).toMatch(
      /^anchor: .* is not signed by the key of this installation/,
    );
    expect(await verdict(nothing, { anchors: [{ ...anchor, size: 774 }] })).toMatch(/^anchor: /);
  });

  test('that went back are all held to the tree, for what was sealed on after a restore is another tree', async () => {
    const [, second, third] = anchors;
    expect(await verdict(nothing, { anchors: [third!, second!, anchors.at(-1)!] })).toBe('sound');
    expect(await verdict(cut(2), { anchors: [third!, second!] })).toMatch(/^behind-anchor: /);
  });

  test('given by hand with another root are not where the tree was', async () => {
    const since = { size: 257, root: Buffer.alloc(32), by: 'The anchor given' };
    expect(await verdict(nothing, { since })).toMatch(
      'rewritten: The anchor given has another root for the first 257 events',
    );
    expect(await verdict(nothing, { since: { ...since, size: 10_000 } })).toMatch(/^behind-anchor: /);
  });
});

test('without a key of the installation nobody has signed anything', async () => {
  expect(await verdict(nothing, { key: '', anchors: undefined })).toMatch(
    /^rewritten: The head of .* is not signed by the key/,
  );
});

test('rows of a month that is kept elsewhere are counted, and their leaves are checked all the same', async () => {
  const isArchived = () => true;
  const wipe = ({ query }: Surgeon) => query('DELETE FROM store.audit_event WHERE tenant_id = $1', [world.a]);
  expect(await verdict(wipe, { isArchived })).toBe('sound');
  const both = async (surgeon: Surgeon) => {
    await wipe(surgeon);
    await surgeon.query('UPDATE store.seal_leaves SET hashes = sha256(hashes) WHERE tenant_id = $1 AND first = 0', [
      world.a,
    ]);
  };
  expect(await verdict(both, { isArchived })).toMatch(/^rewritten: /);
});
