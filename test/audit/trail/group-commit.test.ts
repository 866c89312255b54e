// What many wait for is committed in one message, and one tenant's trouble is no other's: src/database/group-commit.ts

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createGroupCommit } from '../../../src/database/group-commit.ts';
import type { Pool } from '../../../src/database/pool.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { makeTwoTenants, type TwoTenants } from '../../tenancy/two-tenants.ts';

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants(4);
});
afterAll(() => tenants.close());

/** Each item is the id of a block; `broken` is one that cannot be stored. */
const broken = 'broken';

function committer(pool: Pool = tenants.pool) {
  const committed: string[] = [];
  const commit = createGroupCommit<string>(pool, (tenantId, ids) => ({
    statement: {
      text: 'INSERT INTO access_block (id, ids, content) SELECT id, $2, $3 FROM unnest($1::text[]) AS given (id)',
      values: [ids.map((id) => (id === broken ? null : id)), '{}', Buffer.from(String(tenantId))],
    },
    committed: () => committed.push(...ids),
  }));
  return { commit, committed };
}

async function blocksOf(tenantId: number): Promise<string[]> {
  const rows = await tenants.tenantDoor(tenantId, (trx) =>
    trx.query<{ id: string }>({ text: 'SELECT id FROM access_block' }),
  );
  return rows.map(({ id }) => id);
}

function counting(): { readonly pool: Pool; readonly messages: string[][] } {
  const messages: string[][] = [];
  const pool: Pool = {
    ...tenants.pool,
    async acquire() {
      const connection = await tenants.pool.acquire();
      return {
        ...connection,
        send(entries) {
          messages.push(entries.map(({ statement }) => statement.text));
          return connection.send(entries);
        },
      };
    },
  };
  return { pool, messages };
}

test('what is noted in one turn is one message, each tenant behind a statement that sets it', async () => {
  const { pool, messages } = counting();
  const { commit, committed } = committer(pool);
  const [ofA, ofB] = [newId(Date.now()), newId(Date.now())];
  await Promise.all([commit(tenants.a, [ofA]), commit(tenants.b, [ofB]), commit(tenants.a, [newId(Date.now())])]);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toHaveLength(4);
  expect(committed).toHaveLength(3);
  expect(await blocksOf(tenants.a)).toContain(ofA);
  expect(await blocksOf(tenants.a)).not.toContain(ofB);
  expect(await blocksOf(tenants.b)).toContain(ofB);
});

test('a statement that fails is the trouble of its tenant alone', async () => {
  const { commit, committed } = committer();
  const good = newId(Date.now());
  const [refused, done] = await Promise.allSettled([commit(tenants.a, [broken]), commit(tenants.b, [good])]);
  expect([refused.status, done.status]).toEqual(['rejected', 'fulfilled']);
  expect(committed).toEqual([good]);
  expect(await blocksOf(tenants.b)).toContain(good);
  // And nothing of it stays with the connections.
  const next = newId(Date.now());
  await commit(tenants.a, [next]);
  expect(await blocksOf(tenants.a)).toContain(next);
});

test('under load there are few messages, and everything is committed', async () => {
  const { pool, messages } = counting();
  const { commit } = committer(pool);
  const ids: string[] = [];
  const client = async () => {
    for (let n = 0; n < 20; n++) {
      const id = newId(Date.now());
      ids.push(id);
      await commit(n % 2 ? tenants.a : tenants.b, [id]);
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
  const stored = new Set([...(await blocksOf(tenants.a)), ...(await blocksOf(tenants.b))]);
  expect(ids.filter((id) => !stored.has(id))).toEqual([]);
  expect(messages.length).toBeLessThan(ids.length / 2);
});

test('more than can wait are refused with 503', async () => {
  const { commit } = committer();
  const many = Array.from({ length: 20_001 }, () => newId(Date.now()));
  await expect(commit(tenants.a, many)).rejects.toMatchObject({ status: 503 });
});
