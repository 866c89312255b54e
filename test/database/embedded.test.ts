// The embedded PostgreSQL: durable, closed to the network, alone on its data directory, and found again whatever was killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { processIdentity } from '../../src/database/data-directory.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { runningPostgresUrl } from '../../src/database/postmaster.ts';
import { overTcp, withClient } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const folder = makeTemporaryFolder();
const started = new Set<EmbeddedPostgres>();
const owners = new Set<ChildProcess>();
const lines: string[] = [];

afterAll(async () => {
  for (const owner of owners) owner.kill('SIGKILL');
  for (const postgres of started) await postgres.stopImmediately();
  rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir: string, options: { port?: number; password?: string } = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDir,
    password: 'test',
    ...options,
    log: (line) => lines.push(line),
  });
  started.add(postgres);
  return postgres;
}

/** Starts it in a process of its own, which the test may kill. */
async function startOwner(dataDir: string): Promise<{ owner: ChildProcess; url: string; pid: number }> {
  const script = path.join(import.meta.dirname, '../support/embedded-owner.ts');
  const owner = spawn(process.execPath, [script, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  owners.add(owner);
  const [text] = (await once(owner.stdout ?? owner, 'data')) as [Buffer];
  return { owner, ...(JSON.parse(text.toString()) as { url: string; pid: number }) };
}

function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  return withClient(url, async (client) => (await client.query<Record<string, unknown>>(text)).rows);
}

/** Polls a condition that another process brings about; fails when it does not. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await condition()); await delay(20)) {
    if (Date.now() > end) throw new Error('It did not happen within 10 s.');
  }
}

describe('a started server', () => {
  const dataDir = path.join(folder, 'settings');

  test('is durable, checks its pages, and sorts the same on every machine', async () => {
    const { url } = await start(dataDir);
    const rows = await query(
      url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
        current_setting('full_page_writes') AS pages, current_setting('data_checksums') AS checksums,
        current_setting('server_encoding') AS encoding, datlocprovider AS provider, datlocale AS locale
        FROM pg_database WHERE datname = 'postgres'`,
    );
    expect(rows).toEqual([
      { fsync: 'on', commit: 'on', pages: 'on', checksums: 'on', encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' },
    ]);
  });

  test('listens on 127.0.0.1 only and asks everybody for the password', async () => {
    const [postgres] = started;
    const url = postgres?.url ?? '';
    expect(
      await query(
        url,
        "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories')",
      ),
    ).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: `${path.join(dataDir, 'postgres')}.socket` },
    ]);
    expect(await query(url, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules')).toEqual([
      { auth_method: 'scram-sha-256' },
    ]);
    await expect(query(url.replace(':test@', ':wrong@'), 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  test('writes neither statements nor values into its log: security.md, no patient data in logs', async () => {
    const [postgres] = started;
    const url = postgres?.url ?? '';
    await query(url, 'CREATE TABLE t (name text PRIMARY KEY)');
    await query(url, "INSERT INTO t VALUES ('Canary')");
    await expect(query(url, "INSERT INTO t VALUES ('Canary')")).rejects.toThrow();
    await expect(query(url, "SELECT 'Canary'::int")).rejects.toThrow();
    await expect(withClient(url, (client) => client.query('SELECT $1::int', ['Canary']))).rejects.toThrow();
    await expect(query(url, "DO $$ BEGIN RAISE WARNING 'Canary'; END $$")).resolves.toEqual([]);
    await postgres?.stop();
    const log = readFileSync(path.join(dataDir, 'postgres.log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(log).not.toContain('Canary');
  });

  test('leaves no password file behind', () => {
    expect(readdirSync(dataDir).sort()).toEqual(['postgres', 'postgres.log', 'postgres.socket']);
  });

  test('keeps its data over stop and start, on any port', async () => {
    const postgres = await start(dataDir);
    expect(await query(postgres.url, 'SELECT name FROM t')).toEqual([{ name: 'Canary' }]);
    await postgres.stop();
    await postgres.stop();
  });

  test('says so when the password is not the one it was made with', async () => {
    await expect(start(dataDir, { password: 'other' })).rejects.toThrow('another password than this one');
    expect(existsSync(path.join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
    const postgres = await start(dataDir);
    await postgres.stop();
  });

  test('is made anew when initdb was interrupted', async () => {
    const interrupted = path.join(folder, 'interrupted');
    mkdirSync(path.join(interrupted, 'postgres.new', 'base'), { recursive: true });
    writeFileSync(path.join(interrupted, 'postgres.new', 'PG_VERSION'), '18\n');
    writeFileSync(path.join(interrupted, 'postgres.password'), 'left\n');
    const postgres = await start(interrupted);
    await postgres.stop();
    expect(readdirSync(interrupted).sort()).toEqual(['postgres', 'postgres.log', 'postgres.socket']);
  });
});

describe('one data directory', () => {
  test('serves one process: a second start says so and the first goes on', async () => {
    const dataDir = path.join(folder, 'shared');
    const { owner, url } = await startOwner(dataDir);
    await expect(start(dataDir)).rejects.toThrow(
      `Another HPMS (process ${owner.pid}) is running on the data directory ${dataDir}. ` +
        'Stop it first, or give this one a directory of its own with HPMS_DATA_DIR.',
    );
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    owner.stdin?.end();
    await once(owner, 'exit');
  });

  test('tells a command of another process where its database answers, as long as it does', async () => {
    const dataDir = path.join(folder, 'beside');
    expect(runningPostgresUrl({ dataDir, password: 'test' })).toBeUndefined();
    const { owner, url, pid } = await startOwner(dataDir);
    expect(runningPostgresUrl({ dataDir, password: 'test' })).toBe(url);
    owner.stdin?.end();
    await until(() => processIdentity(pid) === undefined);
    expect(runningPostgresUrl({ dataDir, password: 'test' })).toBeUndefined();
  });

  test('is free again after its owner was killed; the orphaned PostgreSQL is stopped and nothing committed is lost', async () => {
    const dataDir = path.join(folder, 'orphan');
    const { owner, url, pid } = await startOwner(dataDir);
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS one');
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(processIdentity(pid)).toBeDefined();
    const postgres = await start(dataDir);
    expect(lines.join()).toContain(`Stopping the PostgreSQL (process ${pid})`);
    expect(processIdentity(pid)).toBeUndefined();
    expect(await query(postgres.url, 'SELECT * FROM kept')).toEqual([{ one: 1 }]);
    await postgres.stop();
  });

  test('starts although the number in postmaster.pid now belongs to a stranger, who is left alone', async () => {
    const dataDir = path.join(folder, 'stranger');
    await (await start(dataDir)).stopImmediately();
    const pidFile = path.join(dataDir, 'postgres', 'postmaster.pid');
    const stranger = spawn('sleep', ['60']);
    writeFileSync(pidFile, `${stranger.pid}\n${path.join(dataDir, 'postgres')}\n1\n5432\n\n127.0.0.1\n`);
    writeFileSync(path.join(dataDir, 'hpms.lock'), `${stranger.pid} of-an-earlier-life\n`);
    const postgres = await start(dataDir);
    expect(stranger.exitCode).toBeNull();
    stranger.kill();
    await postgres.stop();
  });
});

describe('who may come in', () => {
  test('by a Unix socket in a folder closed to others, and by TCP, each with a password', async () => {
    const dataDir = path.join(folder, 'socket');
    const { url } = await start(dataDir);
    expect(decodeURIComponent(new URL(url).hostname)).toBe(path.join(dataDir, 'postgres.socket'));
    expect(statSync(path.join(dataDir, 'postgres.socket')).mode & 0o777).toBe(0o700);
    const way = 'SELECT inet_server_addr()::text AS way';
    expect(await query(url, way)).toEqual([{ way: null }]);
    expect(await query(overTcp(url).href, way)).toEqual([{ way: '127.0.0.1/32' }]);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    for (const one of [wrong.href, overTcp(wrong.href).href]) {
      await expect(query(one, way)).rejects.toThrow('password authentication failed');
    }
  });

  test.each([
    ['whose path is too long for one', 'x'.repeat(90)],
    ['that a list of settings would part', 'a, b'],
    ['that has a quote in it', "a'b"],
  ])('only by TCP into a folder %s', async (_, name) => {
    const { url } = await start(path.join(folder, name));
    expect(await query(url, 'SHOW unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  test('only by TCP where the rules of a restored cluster ask for something else than a password', async () => {
    const dataDir = path.join(folder, 'rules');
    const first = await start(dataDir);
    await first.stop();
    const rules = path.join(dataDir, 'postgres', 'pg_hba.conf');
    writeFileSync(rules, readFileSync(rules, 'utf8').replace(/^(local\s+all\s+all\s+)\S+$/m, '$1peer'));
    const { url } = await start(dataDir);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('by what it has when its rules are gone, for backups too', async () => {
    const dataDir = path.join(folder, 'no-rules');
    const first = await start(dataDir);
    await first.stop();
    rmSync(path.join(dataDir, 'postgres', 'pg_hba.conf'));
    const { url } = await start(dataDir);
    for (const one of [url, overTcp(url).href]) {
      const client = new pg.Client({ connectionString: one, replication: 'true' } as pg.ClientConfig);
      await client.connect();
      expect((await client.query('IDENTIFY_SYSTEM')).rows).toHaveLength(1);
      await client.end();
    }
  });
});

describe('the life of the server process', () => {
  test('it is in a process group of its own, so that Ctrl-C reaches Node alone', async () => {
    const { owner, url, pid } = await startOwner(path.join(folder, 'group'));
    expect(() => process.kill(-pid, 0)).not.toThrow();
    owner.stdin?.end();
    await once(owner, 'exit');
    await until(() => processIdentity(pid) === undefined);
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ENOENT');
  });

  test('a killed postmaster is started again on the same port with everything committed', async () => {
    const postgres = await start(path.join(folder, 'killed'));
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    const first = postgres.pid;
    process.kill(first, 'SIGKILL');
    await until(() => postgres.pid !== first);
    await until(() =>
      query(postgres.url, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    );
    expect(await query(postgres.url, 'SELECT * FROM kept')).toEqual([{ one: 1 }]);
    await postgres.stop();
  });
});
