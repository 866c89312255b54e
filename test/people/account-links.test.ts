// Links of invitations and resets: 256 bits, single use, of one purpose and one tenant, and over in time: security.md 73

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dropLinks, findLink, type LinkPurpose, makeLink, useLink } from '../../src/people/account-links.ts';
import { setPassword } from '../../src/people/account-secrets.ts';
import { createAccount } from '../../src/people/accounts.ts';
import { sweepExpired } from '../../src/smart/sweep-expired.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let a: number;
let b: number;
beforeAll(async () => {
  database = await openTenantDatabase();
  a = (await createTenant(database, { name: 'a' })).tenantId;
  b = (await createTenant(database, { name: 'b' })).tenantId;
});
afterAll(() => database.close());

let people = 0;
async function account(): Promise<string> {
  people += 1;
  const details = { email: `linked-${people}@clinic.example`, name: 'Linked', roles: [] };
  const cipher = await database.keyRing.cipherOf(a);
  return (await database.tenantDoor(a, (trx) => createAccount(trx, cipher, details))).id;
}
const make = (id: string, purpose: LinkPurpose = 'reset', ttlSeconds?: number) =>
  database.tenantDoor(a, (trx) => makeLink(trx, id, purpose, ttlSeconds));
const use = (token: string, purpose: LinkPurpose = 'reset', tenantId = a) =>
  database.tenantDoor(tenantId, (trx) => useLink(trx, purpose, token));

describe('a link', () => {
  test('opens its account once, for its purpose, in its tenant', async () => {
    const id = await account();
    const token = await make(id);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(await use(token, 'invite')).toBeUndefined();
    expect(await use(token, 'reset', b)).toBeUndefined();
    expect(await use(`${token.slice(1)}A`)).toBeUndefined();
    const look = (purpose: LinkPurpose, tenantId = a) =>
      database.tenantDoor(tenantId, (trx) => findLink(trx, purpose, token), 'read');
    expect([await look('invite'), await look('reset', b)]).toEqual([undefined, undefined]);
    expect([await look('reset'), await look('reset')]).toEqual([id, id]);
    expect(await use(token)).toBe(id);
    expect(await use(token)).toBeUndefined();
    expect(await look('reset')).toBeUndefined();
  });

  test('used by ten at once is good for one', async () => {
    const id = await account();
    const token = await make(id);
    const used = await Promise.all(Array.from({ length: 10 }, () => use(token)));
    expect(used.filter((one) => one !== undefined)).toEqual([id]);
  });

  test('takes the others of its account with it, also when two of them are used at once', async () => {
    const id = await account();
    const [one, two, invitation] = [await make(id), await make(id), await make(id, 'invite')];
    const used = await Promise.all([use(one), use(two)]);
    expect(used.filter((found) => found !== undefined)).toEqual([id]);
    expect(await use(invitation, 'invite')).toBeUndefined();
  });

  test('is over after its time: 15 minutes for a reset, a week for an invitation', async () => {
    const id = await account();
    const over = await make(id, 'reset', 0);
    expect(await use(over)).toBeUndefined();
    await make(id, 'reset');
    await make(id, 'invite');
    const { rows } = await withClient(database.url, (client) =>
      client.query(
        `SELECT purpose, extract(epoch FROM expires_at - created_at)::int AS seconds FROM store.account_link
         WHERE account_id = $1 AND expires_at > now() ORDER BY purpose`,
        [id],
      ),
    );
    expect(rows).toEqual([
      { purpose: 'invite', seconds: 604_800 },
      { purpose: 'reset', seconds: 900 },
    ]);
  });

  test('is swept away when its time is over, in every tenant, and not before', async () => {
    const id = await account();
    const [, good] = [await make(id, 'invite', 0), await make(id)];
    const cipher = await database.keyRing.cipherOf(b);
    await database.tenantDoor(b, async (trx) => {
      const other = await createAccount(trx, cipher, { email: 'swept@clinic.example', name: 'Swept', roles: [] });
      await makeLink(trx, other.id, 'reset', 0);
    });
    await sweepExpired(database.systemDoor);
    const { rows } = await withClient(database.url, (client) =>
      client.query('SELECT count(*)::int AS count FROM store.account_link WHERE expires_at <= now()'),
    );
    expect(rows).toEqual([{ count: 0 }]);
    expect(await use(good)).toBe(id);
  });

  test('ends with a new password, a dropped account and a disabled one', async () => {
    const id = await account();
    const [first, second, third] = [await make(id), await make(id, 'invite'), await make(id)];
    await database.tenantDoor(a, async (trx) => setPassword(trx, id, 'hash'));
    expect([await use(first), await use(second, 'invite'), await use(third)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const dropped = await make(id);
    await database.tenantDoor(b, async (trx) => dropLinks(trx, id));
    await database.tenantDoor(a, async (trx) => dropLinks(trx, id));
    expect(await use(dropped)).toBeUndefined();
    const late = await make(id);
    await withClient(database.url, (client) =>
      client.query('UPDATE store.account SET active = false WHERE id = $1', [id]),
    );
    expect(await use(late)).toBeUndefined();
  });

  test('is one of five that are good at a time, the newest, and is not readable in the table', async () => {
    const id = await account();
    const tokens: string[] = [];
    for (let count = 0; count < 7; count++) tokens.push(await make(id));
    const { rows } = await withClient(database.url, (client) =>
      client.query('SELECT to_jsonb(t)::text AS text FROM store.account_link AS t WHERE account_id = $1', [id]),
    );
    expect(rows).toHaveLength(5);
    for (const token of tokens) {
      expect(JSON.stringify(rows)).not.toContain(token);
      expect(JSON.stringify(rows)).not.toContain(Buffer.from(token, 'base64url').toString('hex'));
    }
    expect(await use(tokens[0] as string)).toBeUndefined();
    expect(await use(tokens[6] as string)).toBe(id);
  });
});
