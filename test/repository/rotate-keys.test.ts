// Keys are changed step by step: no write that began before is lost, no searcher is left behind, and what breaks goes on: rotate-keys.ts

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { serverCaller } from '../../src/access/caller.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { keyVersionOf } from '../../src/crypto/sealed-box.ts';
import { createAccount, listAccounts } from '../../src/people/accounts.ts';
import { create } from '../../src/repository/create.ts';
import { createDefinitionsLoader } from '../../src/repository/own-parameters/tenant-definitions.ts';
import { reencrypt, rotateDataKey, rotateIndexKey } from '../../src/repository/reindex/rotate-keys.ts';
import { type Step, takeStep } from '../../src/repository/reindex/take-step.ts';
import { searchType } from '../../src/repository/search-type.ts';
import { inSession, type Repository, type Session } from '../../src/repository/session.ts';
import { insertTokenGroups } from '../../src/repository/token-groups.ts';
import { sealedColumns } from '../../src/sealed-columns.ts';
import { classText } from '../../src/search/count-classes.ts';
import { valueText } from '../../src/search/token-text.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

let made: HandMade;
let here: Repository;
let tenantId: number;
let count = 0;
beforeAll(async () => {
  made = await makeByHand();
  here = process();
});
beforeEach(async () => {
  tenantId = (await createTenant(made.doors, { name: `rotated-${++count}` })).tenantId;
});
afterAll(() => made.close());

/** As a process of its own, that believes what it has loaded until the database refuses it. */
function process(): Repository {
  const parts = { ...made.with(), keyRing: createKeyRing(testRootKey, made.doors.tenantDoor) };
  const load = createDefinitionsLoader(parts);
  let known: ReturnType<typeof load> | undefined;
  const of = (id: number) => {
    known ??= load(id);
    return known;
  };
  const forget = () => {
    known = undefined;
  };
  const onDamage = (_: number, error: unknown) => void damage.push(String(error));
  return { ...parts, sealedColumns, reindexDoor: made.doors.reindexDoor, tenantDefinitions: { of, forget }, onDamage };
}

/** What runs were told to go past. */
const damage: string[] = [];

const caller = () => serverCaller(tenantId, 'tester');
const within = <T>(repository: Repository, work: (session: Session) => Promise<T>) => {
  repository.tenantDefinitions?.forget();
  return inSession(repository, caller(), work);
};
const write = (session: Session) => create(session, { resourceType: 'Patient', gender: 'other' } as Patient);
const step = (runId: string): Promise<Step> => within(process(), (session) => takeStep(session, runId, []));

async function steps(runId: string, done: Step[] = []): Promise<Step[]> {
  const next = await step(runId);
  return next === 'more' || next === 'waiting' ? steps(runId, [...done, next]) : [...done, next];
}

const read = <Row>(text: string, values: readonly unknown[] = []) =>
  made.doors.tenantDoor(tenantId, (trx) => trx.query<Row>({ text, values }));
const openRuns = async () =>
  (await read<{ id: string }>("SELECT id FROM reindex WHERE state <> 'done' ORDER BY requested_at")).map(
    ({ id }) => id,
  );
const tokensOf = async (id: string) => {
  const [row] = await read<{ tokens: string[] }>('SELECT tokens::text[] AS tokens FROM resource WHERE id = $1', [id]);
  return new Set(row?.tokens);
};
const isDue = () => read("UPDATE reindex SET begins_at = now() WHERE begins_at IS NOT NULL AND state = 'waiting'");
/** What one of their tokens is under the keys that a session has. */
const gender = valueText('Patient.gender', 'other');
const tokenIn = (repository: Repository) => within(repository, async ({ cipher }) => String(cipher.tokenOf(gender)));

describe('the index key', () => {
  test('a write that began before it was rotated runs again, and its row has the tokens of both', async () => {
    const late = process();
    const old = await tokenIn(late);
    const begun = Promise.withResolvers<void>();
    const rotated = Promise.withResolvers<void>();
    const knewBoth: boolean[] = [];
    const writing = within(late, async (session) => {
      await session.trx.query({ text: 'SELECT 1' });
      knewBoth.push(session.cipher.alsoTokenOf !== undefined);
      begun.resolve();
      await rotated.promise;
      return await write(session);
    });
    await begun.promise;
    await within(here, rotateIndexKey);
    const [run = ''] = await openRuns();
    // It was open when the key came: the run waits for its end.
    expect([await step(run), await step(run)]).toEqual(['waiting', 'waiting']);
    rotated.resolve();
    const { id } = await writing;
    expect(knewBoth).toEqual([false, true]);
    expect(await steps(run)).toContain('ended');
    const fresh = await tokenIn(here);
    expect(fresh).not.toBe(old);
    const tokens = await tokensOf(id);
    expect([old, fresh].map((token) => tokens.has(token))).toEqual([true, true]);
  });

  test('searches ask by the one before until all rows have both; its tokens go no sooner than a minute later', async () => {
    const { id } = await within(here, write);
    const old = await tokenIn(here);
    await within(here, rotateIndexKey);
    expect(await tokenIn(here)).toBe(old);
    const [first = ''] = await openRuns();
    await steps(first);
    expect(await tokenIn(here)).not.toBe(old);
    const [second = ''] = await openRuns();
    expect(second).not.toBe(first);
    expect(await step(second)).toBe('blocked');
    const [due] = await read<{ status: string; isLater: boolean }>(
      `SELECT status, due_at > now() + interval '50 seconds' AS "isLater" FROM outbox WHERE resource_id = $1 AND due_at IS NOT NULL`,
      [second],
    );
    expect(due).toEqual({ status: 'waiting', isLater: true });
    expect((await tokensOf(id)).has(old)).toBe(true);
    // Who has not heard of the switch yet still finds all that is written meanwhile.
    expect((await tokensOf((await within(here, write)).id)).has(old)).toBe(true);
    await isDue();
    const slow = process();
    await within(slow, async () => undefined);
    expect(await step(second)).toBe('waiting');
    // Nobody writes the old tokens from here on, whatever he believes.
    const late = await inSession(slow, caller(), write);
    expect((await tokensOf(late.id)).has(old)).toBe(false);
    expect(await steps(second)).toContain('ended');
    expect((await tokensOf(id)).has(old)).toBe(false);
    expect(await openRuns()).toEqual([]);
  });

  test('is rotated again once that is through, and only then', async () => {
    await within(here, write);
    for (const version of [2, 3]) {
      expect(await within(here, rotateIndexKey)).toBe(version);
      await expect(within(here, rotateIndexKey)).rejects.toMatchObject({ status: 409 });
      for (let runs = await openRuns(); runs.length > 0; runs = await openRuns()) {
        await isDue();
        await steps(runs[0] as string);
      }
    }
    const uses = await read("SELECT version, use FROM tenant_key WHERE purpose = 'index' ORDER BY version");
    expect(uses).toEqual([1, 2, 3].map((version) => ({ version, use: version === 3 ? 'asked' : 'kept' })));
  });

  test('classes that are counted change as rows do, and totals by them are exact all the way', async () => {
    const { id } = await within(here, write);
    const totals: unknown[] = [];
    const count = () =>
      within(process(), async (session) => {
        const pairs = [
          ['gender', 'other'],
          ['_summary', 'count'],
        ] as const;
        const bundle = await searchType(session, {
          type: 'Patient',
          pairs,
          handling: 'strict',
          baseUrl: 'http://hpms.test',
        });
        totals.push(JSON.parse(bundle.toString()).total);
      });
    await within(here, rotateIndexKey);
    for (let runs = await openRuns(); runs.length > 0; runs = await openRuns()) {
      await isDue();
      for (let next: Step = 'more'; next === 'more' || next === 'waiting'; next = await step(runs[0] as string))
        await count();
    }
    await count();
    expect(new Set(totals)).toEqual(new Set([1]));
    const keyed = await within(here, async ({ cipher, definitions }) =>
      cipher.tokenOf(classText(definitions, { resourceType: 'Patient', gender: 'other' }) ?? ''),
    );
    expect(await read('SELECT count_class FROM resource WHERE id = $1', [id])).toEqual([
      { count_class: String(keyed) },
    ]);
  });

  test('takes the groups of tokens along, and AuditEvents that named them are found by the new key', async () => {
    const stored = async () => (await read('SELECT FROM audit_token_group')).length;
    const created = async () => {
      const token = await within(here, async ({ cipher }) =>
        String(cipher.tokenOf(valueText('AuditEvent.action', 'C'))),
      );
      return await read('SELECT id FROM audit_event WHERE $1::bigint = ANY (tokens)', [token]);
    };
    for (let time = 0; time < 2; time++) await within(here, write);
    const committed = await within(here, async (session) => insertTokenGroups(session));
    committed();
    await within(here, write);
    expect(await stored()).toBeGreaterThan(0);
    // The third one names the group.
    expect(await created()).toHaveLength(2);
    await within(here, rotateIndexKey);
    for (let runs = await openRuns(); runs.length > 0; runs = await openRuns()) {
      await isDue();
      await steps(runs[0] as string);
    }
    expect(await stored()).toBe(0);
    expect(await created()).toHaveLength(3);
  });
});

describe('the data key', () => {
  test('a write that began before it was rotated is sealed under the new one', async () => {
    const late = process();
    await within(late, async () => undefined);
    expect(await within(here, rotateDataKey)).toBe(2);
    const { id } = await inSession(late, caller(), write);
    const [row] = await read<{ content: Buffer }>('SELECT content FROM resource WHERE id = $1', [id]);
    expect(keyVersionOf(row?.content as Buffer)).toBe(2);
  });

  test('what breaks while rows are sealed again leaves them as they were, and the next step goes on', async () => {
    for (const _ of [1, 2, 3]) await within(here, write);
    const version = await within(here, rotateDataKey);
    const run = await within(here, (session) => reencrypt(session, version));
    const versions = async () =>
      (await read<{ content: Buffer }>('SELECT content FROM resource')).map(({ content }) => keyVersionOf(content));
    while ((await step(run)) === 'waiting');
    const broken = within(process(), async (session) => {
      while ((await takeStep(session, run, [])) === 'more');
      throw new Error('The process is gone.');
    });
    await expect(broken).rejects.toThrow('The process is gone.');
    expect(await versions()).toEqual([1, 1, 1]);
    await steps(run);
    expect(await versions()).toEqual([2, 2, 2]);
  });

  test('so does what is sealed beside resources, and what was written behind the run is found at its end', async () => {
    const cipher = await here.keyRing.cipherOf(tenantId);
    const add = (count: number) =>
      made.doors.tenantDoor(tenantId, async (trx) => {
        for (let index = 0; index < count; index += 1)
          await createAccount(trx, cipher, { email: `${randomUUID()}@clinic.test`, name: 'Eva', roles: [] });
      });
    await add(450);
    const version = await within(here, rotateDataKey);
    const run = await within(here, (session) => reencrypt(session, version));
    const versions = async (column: string) => {
      const rows = await read<{ box: Buffer }>(`SELECT ${column} AS box FROM account`);
      return [1, 2].map((one) => rows.filter(({ box }) => keyVersionOf(box) === one).length);
    };
    const at = async () => (await read<{ at: string }>("SELECT concat(at_type, ' ', at_id) AS at FROM reindex"))[0]?.at;
    while ((await step(run)) !== 'ended' && !(await at())?.startsWith('account.email ["'));
    expect(await versions('email')).toEqual([250, 200]);
    const broken = within(process(), async (session) => {
      await takeStep(session, run, []);
      throw new Error('The process is gone.');
    });
    await expect(broken).rejects.toThrow('The process is gone.');
    expect(await versions('email')).toEqual([250, 200]);
    while (!(await at())?.startsWith('account.name ["')) await step(run);
    // By a process that has not heard of the new key.
    await add(1);
    expect(await steps(run)).toContain('ended');
    expect([await versions('email'), await versions('name')]).toEqual([
      [0, 451],
      [0, 451],
    ]);
    const fresh = await createKeyRing(testRootKey, made.doors.tenantDoor).cipherOf(tenantId);
    const accounts = await made.doors.tenantDoor(tenantId, (trx) => listAccounts(trx, fresh, { limit: 500 }));
    expect(new Set(accounts.map(({ name }) => name))).toEqual(new Set(['Eva']));
  });
});

describe('a row that does not open', () => {
  const run = (text: string, values: readonly unknown[]) =>
    withClient(made.databaseUrl, (client) => client.query(text, [...values]));
  const versionOf = async (table: string, id: string) => {
    const [row] = await read<{ content: Buffer }>(`SELECT content FROM ${table} WHERE id = $1`, [id]);
    return keyVersionOf(row?.content as Buffer);
  };
  async function stepsOfAll(): Promise<void> {
    for (let runs = await openRuns(); runs.length > 0; runs = await openRuns()) {
      await isDue();
      await steps(runs[0] as string);
    }
  }

  test.each([
    ['changed', 'set_byte(content, 40, get_byte(content, 40) # 1)'],
    ['of a key that is not there', 'set_byte(content, 4, 9)'],
    ['cut short', 'substring(content FOR 20)'],
  ])('and is %s keeps no other from its new keys, and is named', async (_, damaged) => {
    const [first, second, third] = [await within(here, write), await within(here, write), await within(here, write)];
    const old = await tokenIn(here);
    await run(`UPDATE store.resource SET content = ${damaged} WHERE id = $1`, [second.id]);
    damage.length = 0;
    await within(here, rotateIndexKey);
    await stepsOfAll();
    const version = await within(here, rotateDataKey);
    const id = await within(here, (session) => reencrypt(session, version));
    await stepsOfAll();
    for (const { id } of [first, third]) {
      expect(await versionOf('resource', id)).toBe(2);
      expect((await tokensOf(id)).has(old)).toBe(false);
    }
    expect(new Set(damage).size).toBe(1);
    expect(damage[0]).toContain(`Patient|${second.id}|1 of tenant ${tenantId} does not open`);
    const status = await read('SELECT state, done::int, total::int FROM reindex WHERE id = $1', [id]);
    expect(status).toEqual([{ state: 'done', done: 2, total: 3 }]);
  });

  test('among AuditEvents keeps no other from its new tokens', async () => {
    await within(here, write);
    const sql = 'UPDATE store.audit_event SET content = set_byte(content, 40, get_byte(content, 40) # 1)';
    await withClient(made.databaseUrl, async (client) => {
      // Past the trigger that holds them as they were written.
      await client.query('SET session_replication_role = replica');
      await client.query(`${sql} WHERE tenant_id = $1`, [tenantId]);
    });
    await within(here, write);
    damage.length = 0;
    await within(here, rotateIndexKey);
    await stepsOfAll();
    expect(await openRuns()).toEqual([]);
    expect(damage.join()).toMatch(/AuditEvent\|.* does not open/);
  });

  test('beside resources stays as it is, and the run ends', async () => {
    const cipher = await here.keyRing.cipherOf(tenantId);
    await made.doors.tenantDoor(tenantId, async (trx) => {
      for (const name of ['Eva', 'Ida', 'Uta'])
        await createAccount(trx, cipher, { email: `${randomUUID()}@clinic.test`, name, roles: [] });
    });
    await run(
      `UPDATE store.account SET name = set_byte(name, 30, get_byte(name, 30) # 1)
       WHERE id = (SELECT min(id::text)::uuid FROM store.account WHERE tenant_id = $1)`,
      [tenantId],
    );
    damage.length = 0;
    const version = await within(here, rotateDataKey);
    await within(here, (session) => reencrypt(session, version));
    await stepsOfAll();
    const rows = await read<{ box: Buffer }>('SELECT name AS box FROM account ORDER BY id::text');
    expect(rows.map(({ box }) => keyVersionOf(box))).toEqual([1, 2, 2]);
    expect(damage.join()).toMatch(/does not open under its data key 1/);
  });
});
