// Imports into a tenant's tables and into the shared ones: who sees them, and what a second import does

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { importDistribution } from '../../src/commands/import-terminology/import-distribution.ts';
import { Progress } from '../../src/commands/import-terminology/progress.ts';
import { readImportArguments } from '../../src/commands/import-terminology/read-arguments.ts';
import { type Doors, openDoors } from '../../src/doors.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { expand } from '../../src/terminology/expand.ts';
import { findValueSet } from '../../src/terminology/find-value-set.ts';
import { createTestDatabase, type TestDatabase, testKeys, testRootKey, withClient } from '../support/database.ts';

let database: TestDatabase;
let doors: Doors;
let a: number;
let b: number;
beforeAll(async () => {
  database = await createTestDatabase();
  doors = openDoors({ databaseUrl: database.url, ...testKeys, onIdleError: () => undefined });
  a = (await createTenant(doors, { name: 'a' })).tenantId;
  b = (await createTenant(doors, { name: 'b' })).tenantId;
});
afterAll(async () => {
  await doors.close();
  await database.drop();
});

let lines: string[] = [];
beforeEach(() => {
  lines = [];
});
const out = { write: (text: string) => lines.push(text) > 0, isTTY: false };
const slice = (name: string) => path.join(import.meta.dirname, 'slices', name);
const snomed = 'http://snomed.info/sct?fhir_vs=isa/900105003';

async function importInto(tenantId: number | undefined, system: string, release?: string) {
  const into = tenantId === undefined ? { databaseUrl: database.url } : { tenantDoor: doors.tenantDoor, tenantId };
  return await importDistribution({
    system,
    place: slice(system),
    release,
    into,
    progress: new Progress(out as never),
  });
}

async function codes(tenantId: number, url: string, filter?: string): Promise<unknown[] | undefined> {
  return await doors.tenantDoor(
    tenantId,
    async (trx) => {
      const valueSet = await findValueSet(trx, url);
      if (!valueSet) return undefined;
      return (await expand(trx, valueSet, { filter })).expansion?.contains?.map(({ code }) => code) ?? [];
    },
    'read',
  );
}

describe('an import', () => {
  test("is of one tenant: another's answers stay what they were", async () => {
    expect(await importInto(a, 'snomed')).toMatchObject({ concepts: 8, hasReplaced: false });
    expect(await codes(a, snomed)).toEqual(['900105003', '900102000', '900103005'].sort());
    expect(await codes(a, snomed, 'moss ank')).toEqual(['900102000', '900103005']);
    await expect(codes(b, snomed)).rejects.toThrow('which is not here');
    expect(lines.join('')).toMatch(
      /^read: 100 %, .* bytes in .*index: 8 concepts of SNOMED CT.*store: 100 %, 8 of 8 rows/s,
    );
  });

  test('of the same version replaces the earlier one, another version stands beside it', async () => {
    expect((await importInto(a, 'snomed')).hasReplaced).toBe(true);
    expect((await importInto(a, 'snomed', 'http://snomed.info/sct/1/version/1')).hasReplaced).toBe(false);
    const counts = await withClient(database.url, async (client) => {
      const { rows } = await client.query(
        'SELECT count(*)::int AS n, count(DISTINCT system_id)::int AS systems FROM store.concept',
      );
      return rows[0];
    });
    expect(counts).toEqual({ n: 16, systems: 2 });
    expect(await codes(a, snomed)).toHaveLength(3);
  });

  test('two at once leave one', async () => {
    const results = await Promise.all([
      importInto(a, 'hcpcs', '1'),
      importInto(a, 'hcpcs', '1'),
      importInto(b, 'hcpcs', '1'),
    ]);
    expect(results.map(({ hasReplaced }) => hasReplaced).sort()).toEqual([false, false, true]);
  });

  test('that is shared is read by all, and a tenant of its own goes on with its own', async () => {
    await importInto(undefined, 'loinc');
    expect(await codes(b, 'http://loinc.org/vs', 'glimmer mass')).toEqual(['90001-1']);
    await importInto(a, 'loinc', '10');
    expect((await importInto(undefined, 'loinc')).hasReplaced).toBe(true);
    expect(await codes(a, 'http://loinc.org/vs', 'sparkle')).toEqual(['90003-7']);
  });

  test('that fails leaves what was there', async () => {
    await expect(importInto(a, 'cpt')).rejects.toThrow('--release');
    await expect(
      importDistribution({
        system: 'loinc',
        place: slice('snomed'),
        into: { databaseUrl: database.url },
        progress: new Progress(out as never),
      }),
    ).rejects.toThrow('no Loinc.csv');
    expect(await codes(b, 'http://loinc.org/vs', 'glimmer mass')).toEqual(['90001-1']);
  });
});

describe('npm run admin -- import-terminology', () => {
  const command = path.join(import.meta.dirname, '../../src/commands/admin.ts');
  const run = (...args: string[]) => {
    const env = { ...process.env, DATABASE_URL: database.url, ROOT_KEY: testRootKey.toString('base64') };
    return spawnSync(process.execPath, [command, 'import-terminology', ...args], { env, encoding: 'utf8' });
  };

  test('imports into the tenant that is named, and says what it did', async () => {
    const { status, stderr } = run('--system', 'rxnorm', slice('rxnorm'), '--tenant', 'a');
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/Imported 5 concepts of .*rxnorm, version 20AA_260105F\.\n$/),
    ]);
  });

  test.each([
    [['--system', 'rxnorm', slice('rxnorm'), '--tenant', 'none'], 'There is no tenant none.'],
    [['--system', 'rxnorm', slice('loinc'), '--shared'], 'There is no RXNCONSO.RRF there.'],
    [['--system', 'rxnorm', slice('rxnorm')], 'Say for whom'],
  ])('%j ends with a sentence', (args, sentence) => {
    const { status, stderr } = run(...args);
    expect([status, stderr.trim().split('\n')]).toEqual([1, [expect.stringContaining(sentence)]]);
  });
});

describe('the arguments', () => {
  test('are understood in any order', () => {
    const expected = { system: 'loinc', place: 'x', release: '2', tenant: undefined };
    expect(readImportArguments(['--shared', 'x', '--system', 'loinc', '--release=2'])).toEqual(expected);
    expect(readImportArguments(['--system', 'cpt', '--tenant', 'a', 'y'])).toMatchObject({ tenant: 'a', place: 'y' });
  });

  test.each([
    [['x', '--shared'], '--system is one of'],
    [['--system', 'icd9', 'x', '--shared'], '--system is one of'],
    [['--system', 'loinc', '--shared'], 'one file or folder'],
    [['--system', 'loinc', 'x', 'y', '--shared'], 'one file or folder'],
    [['--system', 'loinc', 'x'], 'for whom'],
    [['--system', 'loinc', 'x', '--shared', '--tenant', 'a'], 'for whom'],
    [['--system', 'loinc', 'x', '--nothing'], '--nothing'],
  ])('%j are refused with what is wrong', (args, message) => {
    expect(() => readImportArguments(args)).toThrow(message);
  });
});

describe('progress', () => {
  test('is drawn over on a terminal, with rate, done and remaining', () => {
    let now = 0;
    const progress = new Progress({ ...out, isTTY: true } as never, () => now);
    for (const done of [0, 250, 500, 1_000]) {
      progress.show('store', 'rows', done, 1_000);
      now += 1_000;
    }
    expect(lines[0]).toContain('[######                  ] store: 25 %, 250 of 1,000 rows, 250/s, 3 s left');
    expect(lines.join('')).toMatch(/\[#{24}\] store: 100 %, 1,000 of 1,000 rows in 3\.0 s\n$/);
  });

  test('is a line now and then in a log', () => {
    let now = 0;
    const progress = new Progress(out as never, () => now);
    for (let done = 0; done <= 100; done++) {
      progress.show('read', 'bytes', done, 100);
      now += 100;
    }
    expect(lines).toEqual([
      'read: 50 %, 50 of 100 bytes, 10/s, 5 s left\n',
      'read: 100 %, 100 of 100 bytes in 10.0 s\n',
    ]);
  });
});
