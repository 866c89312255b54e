// The second factor: a code of an app counts once, near its time only, and guessing one is hopeless (RFC 6238; security.md 74).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { createAccount } from '../../src/people/accounts.ts';
import { createGuessLimit } from '../../src/people/second-factor/guess-limit.ts';
import { createSecondFactors, type SecondFactors } from '../../src/people/second-factor/second-factors.ts';
import { otpauthUrl, stepOfCode } from '../../src/people/second-factor/totp.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let a: number;
let b: number;
let now = new Date('2026-11-20T10:00:00Z');
let factors: SecondFactors;

beforeAll(async () => {
  database = await openTenantDatabase();
  a = (await createTenant(database, { name: 'a' })).tenantId;
  b = (await createTenant(database, { name: 'b' })).tenantId;
  factors = openFactors();
});
afterAll(() => database.close());

/** As another process has them: with a count of guesses of its own. */
const openFactors = () => createSecondFactors({ ...database, now: () => now });
const pass = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1_000);
};

let accounts = 0;
async function makeAccount(): Promise<string> {
  accounts += 1;
  const cipher = await database.keyRing.cipherOf(a);
  const details = { email: `p${accounts}@clinic.example`, name: 'P', roles: ['nurse'] };
  return (await database.tenantDoor(a, (trx) => createAccount(trx, cipher, details))).id;
}

const enrol = (id: string) => factors.enrol(a, { id, email: 'p@clinic.example', issuer: 'Clinic' });
const codeOf = (secret: string, steps = 0) =>
  new TOTP({ secret }).generate({ timestamp: now.getTime() + steps * 30_000 });

async function enrolled() {
  const id = await makeAccount();
  const { secret } = (await enrol(id))!;
  const recoveryCodes = (await factors.confirm(a, id, codeOf(secret)))!;
  pass(30);
  return { id, secret, recoveryCodes };
}

describe('setting it up', () => {
  test('has a secret of its own each time; a first code of the last one turns it on, with ten recovery codes', async () => {
    const id = await makeAccount();
    const before = await enrol(id);
    const first = await enrol(id);
    expect(first?.secret).not.toBe(before?.secret);
    expect(await factors.pending(a, { id, email: 'p@clinic.example', issuer: 'Clinic' })).toEqual(first);
    expect(await factors.confirm(a, id, codeOf(before!.secret))).toBeUndefined();
    expect(first?.otpauthUrl).toBe(
      `otpauth://totp/Clinic:p%40clinic.example?issuer=Clinic&secret=${first?.secret}&algorithm=SHA1&digits=6&period=30`,
    );
    expect(await factors.confirm(a, id, codeOf(first!.secret, 5))).toBeUndefined();
    expect(await factors.stateOf(a, id)).toEqual({ isOn: false, recoveryCodesLeft: 0 });
    const codes = await factors.confirm(a, id, codeOf(first!.secret));
    expect(new Set(codes).size).toBe(10);
    for (const code of codes!) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{5}-){4}[0-9a-hjkmnp-tv-z]{6}$/);
    expect(await factors.stateOf(a, id)).toEqual({ isOn: true, recoveryCodesLeft: 10 });
  });

  test('cannot replace one that is there, nor be confirmed twice', async () => {
    const { id, secret } = await enrolled();
    expect(await enrol(id)).toBeUndefined();
    expect(await factors.confirm(a, id, codeOf(secret))).toBeUndefined();
  });

  test('is confirmed once when two requests come at the same time', async () => {
    const id = await makeAccount();
    const { secret } = (await enrol(id))!;
    const both = await Promise.all([1, 2].map(() => factors.confirm(a, id, codeOf(secret))));
    expect(both.filter((codes) => codes !== undefined)).toHaveLength(1);
  });

  test('stores neither the secret nor a recovery code readably', async () => {
    const { id, secret, recoveryCodes } = await enrolled();
    const { rows } = await withClient(database.url, (client) =>
      client.query<{ all: string }>(
        `SELECT to_jsonb(account)::text || (SELECT jsonb_agg(recovery_code) FROM store.recovery_code
           WHERE account_id = $1)::text AS all FROM store.account WHERE id = $1`,
        [id],
      ),
    );
    const asHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    expect(rows[0]?.all).not.toContain(asHex(Secret.fromBase32(secret).bytes));
    expect(rows[0]?.all).not.toContain(asHex(Buffer.from(recoveryCodes[0]!)));
  });
});

describe('a code', () => {
  test('is good in its own step and one step to each side, and RFC 6238 appendix B agrees', () => {
    const secret = Buffer.from('12345678901234567890');
    expect(stepOfCode(secret, '287082', new Date(59_000))).toBe(1);
    expect(stepOfCode(secret, '287082', new Date(0))).toBe(1);
    expect(stepOfCode(secret, '287082', new Date(89_000))).toBe(1);
    expect(stepOfCode(secret, '287082', new Date(90_000))).toBeUndefined();
    for (const wrong of ['', '28708', '2870820', 'abcdef', '１２３４５６']) {
      expect(stepOfCode(secret, wrong, new Date(59_000))).toBeUndefined();
    }
  });

  test('counts once, however it is spaced, and none older than it counts after it', async () => {
    const { id, secret } = await enrolled();
    const code = codeOf(secret);
    expect(await factors.verify(a, id, ` ${code.slice(0, 3)} ${code.slice(3)}`)).toBe(true);
    expect(await factors.verify(a, id, code)).toBe(false);
    expect(await openFactors().verify(a, id, code)).toBe(false);
    expect(await factors.verify(a, id, codeOf(secret, -1))).toBe(false);
    expect(await factors.verify(a, id, codeOf(secret, 1))).toBe(true);
  });

  test('that confirmed the set-up is no code to sign in with', async () => {
    const id = await makeAccount();
    const { secret } = (await enrol(id))!;
    const code = codeOf(secret);
    await factors.confirm(a, id, code);
    expect(await factors.verify(a, id, code)).toBe(false);
  });

  test('sent twenty times at once is good once', async () => {
    const { id, secret } = await enrolled();
    const answers = await Promise.all(Array.from({ length: 20 }, () => openFactors().verify(a, id, codeOf(secret))));
    expect(answers.filter((isGood) => isGood)).toHaveLength(1);
  });

  test('opens nothing before the set-up is confirmed, in another tenant, or for another account', async () => {
    const pending = await makeAccount();
    const { secret: pendingSecret } = (await enrol(pending))!;
    expect(await factors.verify(a, pending, codeOf(pendingSecret))).toBe(false);
    const { id, secret } = await enrolled();
    expect(await factors.verify(b, id, codeOf(secret))).toBe(false);
    expect(await factors.verify(a, pending, codeOf(secret))).toBe(false);
    expect(await factors.verify(a, id, codeOf(secret))).toBe(true);
  });
});

describe('guessing', () => {
  test('ends after five wrong codes, also for the right one, for a quarter of an hour', async () => {
    const { id, secret } = await enrolled();
    for (let guess = 0; guess < 5; guess += 1) expect(await factors.verify(a, id, '000000')).toBe(false);
    await expect(factors.verify(a, id, codeOf(secret))).rejects.toMatchObject({ status: 429, retryAfterSeconds: 900 });
    pass(900);
    expect(await factors.verify(a, id, codeOf(secret))).toBe(true);
  });

  test('with many at once is no way round: of a hundred guesses five are looked at', async () => {
    const { id } = await enrolled();
    const answers = await Promise.allSettled(Array.from({ length: 100 }, () => factors.verify(a, id, '000000')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  });

  test('a million codes take more than five years, and the memory of it is bounded', () => {
    let time = 0;
    const limit = createGuessLimit(() => time);
    let tried = 0;
    for (const yearMs = 365 * 86_400_000; time < yearMs; time += 900_000) {
      while (limit.take('victim') === 0) tried += 1;
    }
    expect(tried).toBeLessThan(1_000_000 / 5);
    for (let key = 0; key < 30_000; key += 1) limit.take(String(key));
    expect(limit.take('0')).toBe(0);
  });
});

describe('a recovery code', () => {
  test('stands in for a code once, however it is typed', async () => {
    const { id, recoveryCodes } = await enrolled();
    const [first = '', second = ''] = recoveryCodes;
    expect(await factors.verify(a, id, first.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O'))).toBe(true);
    expect(await factors.verify(a, id, first)).toBe(false);
    const answers = await Promise.all([1, 2, 3].map(() => openFactors().verify(a, id, second)));
    expect(answers.filter((isGood) => isGood)).toHaveLength(1);
    expect(await factors.stateOf(a, id)).toEqual({ isOn: true, recoveryCodesLeft: 8 });
  });

  test('ends when new ones are made', async () => {
    const { id, recoveryCodes } = await enrolled();
    const renewed = await factors.renewCodes(a, id);
    expect(await factors.verify(a, id, recoveryCodes[0]!)).toBe(false);
    expect(await factors.verify(a, id, renewed[0]!)).toBe(true);
    const events = await database.tenantDoor(a, (trx) =>
      trx.query<{ act: string }>({
        text: 'SELECT left(event_key, -37) AS act FROM outbox WHERE resource_id = $1 ORDER BY created_at, id',
        values: [id],
      }),
    );
    expect(events.map(({ act }) => act)).toEqual(['account.second-factor-on', 'account.recovery-codes-renewed']);
  });
});

describe('removing it', () => {
  test('ends its codes and recovery codes, and another one can be set up', async () => {
    const { id, secret, recoveryCodes } = await enrolled();
    await factors.remove(a, id);
    expect(await factors.stateOf(a, id)).toEqual({ isOn: false, recoveryCodesLeft: 0 });
    expect(await factors.verify(a, id, codeOf(secret))).toBe(false);
    expect(await factors.verify(a, id, recoveryCodes[0]!)).toBe(false);
    expect((await enrol(id))?.secret).not.toBe(secret);
  });
});

test('names that are too long or have colons make a key that apps still read', () => {
  const url = otpauthUrl(Buffer.alloc(20, 7), { issuer: `A: clinic ${'x'.repeat(300)}`, label: '\ud800@b' });
  expect(url.length).toBeLessThan(400);
  expect(decodeURIComponent(new URL(url).pathname)).toMatch(
    /^\/\/totp\/A {2}clinic x+:\ufffd@b$|^\/A {2}clinic x+:\ufffd@b$/,
  );
});
