// The commands of an operator as he types them, on a server as `npm start` runs it: README, Real use 10; fault 37.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { runningPostgresUrl } from '../../src/database/postmaster.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { endProcesses, startMain } from '../faults/processes.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { type Ended, runCommand, toldToAll, top } from '../support/run-command.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

/** `isWhole`: with what takes long, of which restore.test.ts proves the most without commands. */
export function operateBackups({ isWhole }: { readonly isWhole: boolean }): void {
  const whole = isWhole ? test : () => undefined;
  const root = makeTemporaryFolder();
  const dataDir = path.join(root, 'data');
  const backup = path.join(root, 'backup');
  beforeAll(() => startMain('all', { dataDir }), 60_000);
  afterAll(async () => {
    await endProcesses();
    rmSync(root, { recursive: true, force: true });
  });

  const password = rolePassword(testRootKey, 'postgres');
  const rootKey = testRootKey.toString('base64');
  const run = (name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    runCommand(name, args, '', { HPMS_DATA_DIR: dataDir, ...env });
  const makeTenant = async (name: string) =>
    expect(await run('admin', ['create-tenant', name])).toMatchObject({ code: 0 });

  /** Runs until it is told to stop; what it says is in `said`. */
  function following(): {
    readonly child: ChildProcess;
    readonly said: () => string;
    until(text: RegExp): Promise<void>;
  } {
    const script = path.join(top, 'src', 'commands', 'backup.ts');
    const child = spawn(process.execPath, [script, '--to', backup, '--follow'], {
      env: { ...toldToAll(), HPMS_DATA_DIR: dataDir, ROOT_KEY: rootKey },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece) => {
        text += String(piece);
      });
    return {
      child,
      said: () => text,
      async until(wanted) {
        for (const end = Date.now() + 30_000; !wanted.test(text); await delay(20)) {
          if (child.exitCode !== null || Date.now() > end) throw new Error(`It said:\n${text}`);
        }
      },
    };
  }

  async function stopped({ child }: { readonly child: ChildProcess }): Promise<number | null> {
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  /** All that is committed by now is on the follower's disk. */
  async function untilFollowed(): Promise<void> {
    await withClient(runningPostgresUrl({ dataDir, password }) ?? '', async (client) => {
      const { rows } = await client.query<{ here: string }>('SELECT pg_current_wal_lsn()::text AS here');
      const text = 'SELECT coalesce(bool_or(flush_lsn >= $1::pg_lsn), false) AS done FROM pg_stat_replication';
      for (const end = Date.now() + 30_000; ; await delay(20)) {
        const { rows: followed } = await client.query<{ done: boolean }>(text, [rows[0]?.here]);
        if (followed[0]?.done) return;
        if (Date.now() > end) throw new Error('The backup does not follow.');
      }
    });
  }

  /** In the database of a data directory that no server has. */
  async function tenantsIn(folder: string): Promise<string[]> {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, password, log: () => undefined });
    try {
      return await withClient(postgres.url, async (client) => {
        const { rows } = await client.query<{ name: string }>('SELECT name FROM store.tenant');
        return rows.map(({ name }) => name);
      });
    } finally {
      await postgres.stop();
    }
  }

  describe('a backup that follows its server', () => {
    let between: Date;

    test('begins in an empty folder, goes on until Ctrl-C, and the same command goes on with it', async () => {
      await makeTenant('before');
      const first = following();
      await first.until(/Following/);
      await makeTenant('while-following');
      await untilFollowed();
      expect(await stopped(first)).toBe(0);
      await makeTenant('while-nobody-followed');
      const second = following();
      await second.until(/Following/);
      between = new Date();
      await makeTenant('later');
      await untilFollowed();
      expect(await stopped(second)).toBe(0);
      expect(second.said()).not.toMatch(/changed|not the database/);
    }, 90_000);

    test('is verified and restored', async () => {
      // What a crash leaves of an anchor, with others behind it.
      appendFileSync(path.join(dataDir, 'audit-anchors.jsonl'), '{"tenant":1,"si\n');
      const verified = await run('verify-backup', ['--from', backup], { ROOT_KEY: rootKey });
      expect(verified).toMatchObject({ code: 0 });
      const whole = path.join(root, 'whole');
      expect(await run('restore', ['--from', backup, '--to', whole])).toMatchObject({ code: 0, stderr: '' });
      expect(await tenantsIn(whole)).toEqual(
        expect.arrayContaining(['before', 'while-following', 'while-nobody-followed']),
      );
    }, 120_000);

    whole(
      'is restored to a moment in it',
      async () => {
        const moment = path.join(root, 'moment');
        const args = ['--from', backup, '--to', moment, '--until', between.toISOString()];
        expect(await run('restore', args)).toMatchObject({ code: 0, stderr: '' });
        const tenants = await tenantsIn(moment);
        expect(tenants).toContain('while-nobody-followed');
        expect(tenants).not.toContain('later');
      },
      120_000,
    );

    whole(
      'of a tenant that was shredded since names that one, and all others are looked at',
      async () => {
        const keys = path.join(root, 'keys-of-today');
        cpSync(path.join(dataDir, 'keys'), keys, { recursive: true });
        const id = await withClient(runningPostgresUrl({ dataDir, password }) as string, (client) =>
          client.query("SELECT id FROM store.tenant WHERE name = 'before'"),
        );
        rmSync(path.join(keys, `tenant-${id.rows[0].id}.key`));
        const env = { ROOT_KEY: rootKey, KEY_DIR: keys };
        const { code, stdout, stderr } = await run('verify-backup', ['--from', backup], env);
        expect([code, stderr]).toEqual([1, '']);
        expect(stdout).toMatch(
          /WRONG +bodies .* open with their keys\n +before: The (?:data|index) key 1 of tenant \d+ does not open/,
        );
        expect(stdout).toContain('That is right only where it was shredded since.');
        expect(stdout).toMatch(/WRONG +ledgers[\s\S]*before {2}The (?:data|index) key 1 of tenant \d+ does not open/);
        expect(stdout).toContain('while-following  as posted');
        expect(stdout).toMatch(/ok +audit trail/);
        const refused = await run('admin', ['rotate-key', 'data', '--tenant', 'before'], env);
        expect([refused.code, refused.stderr]).toEqual([
          1,
          expect.stringMatching(/^The (?:data|index) key 1 of tenant .*\n$/),
        ]);
      },
      120_000,
    );

    test('is not restored over something', async () => {
      const used = await run('restore', ['--from', backup, '--to', path.join(root, 'whole')]);
      expect(used).toMatchObject({ code: 2, stderr: expect.stringMatching(/^There is a database in .*\n$/) });
    });

    whole(
      'is not restored to a moment it does not reach',
      async () => {
        const late = await run('restore', [
          '--from',
          backup,
          '--to',
          path.join(root, 'late'),
          '--until',
          '2100-01-01T00:00:00Z',
        ]);
        expect(late).toMatchObject({
          code: 2,
          stderr: expect.stringMatching(/^The backup holds no transaction of 2100.*\n$/),
        });
      },
      90_000,
    );
  });

  test('a logical backup is made', async () => {
    const folder = path.join(root, 'logical');
    expect(await run('backup', ['--to', folder, '--logical'])).toMatchObject({ code: 0, stderr: '' });
  }, 90_000);

  whole(
    'and restored',
    async () => {
      const restored = path.join(root, 'from-logical');
      const args = ['--from', path.join(root, 'logical'), '--to', restored];
      expect(await run('restore', args)).toMatchObject({ code: 0, stderr: '' });
      expect(await tenantsIn(restored)).toContain('before');
    },
    90_000,
  );

  test('who restores beside a root key that is elsewhere is asked for the server secret', async () => {
    const to = path.join(root, 'no-secret');
    const env = { ROOT_KEY: '', ROOT_KEY_URL: 'vault+https://vault.example:8200/transit/hpms', VAULT_TOKEN: 'x' };
    const { code, stderr } = await run('restore', ['--from', path.join(root, 'logical'), '--to', to], env);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^Put your copy of the server's secret .* SERVER_SECRET\.\n$/),
    ]);
  });

  test('half a backup is told from a folder of something else', async () => {
    const [half, other] = [path.join(root, 'half'), path.join(root, 'other')];
    mkdirSync(path.join(half, 'wal'), { recursive: true });
    mkdirSync(other);
    writeFileSync(path.join(other, 'letter.txt'), '');
    expect((await run('backup', ['--to', half])).stderr).toContain('half a backup');
    expect((await run('backup', ['--to', other])).stderr).toContain('is not empty');
    const letter = path.join(other, 'letter.txt');
    expect((await run('backup', ['--to', letter])).stderr).toBe(`Files cannot be kept in ${letter}: EEXIST.\n`);
  });

  test('a data directory whose root key was lost gets no other one', async () => {
    const lost = path.join(root, 'lost');
    mkdirSync(path.join(lost, 'postgres'), { recursive: true });
    const { code, stderr } = await run('backup', ['--to', path.join(root, 'nowhere')], {
      HPMS_DATA_DIR: lost,
      ROOT_KEY: '',
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^There is a database in .* but no root\.key: .*\n$/);
  });
}
