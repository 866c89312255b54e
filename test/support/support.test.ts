// The tests' own tools do what they say: a proxy that does not cut would let every fault test pass.

import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createTestDatabase, type TestDatabase, withClient } from './database.ts';
import { describeWith } from './machine.ts';
import { startRedis } from './redis.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

describe('a test database', () => {
  test('is a migrated copy of its own: what one file writes no other sees', async () => {
    const [a, b] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await withClient(a.url, (client) => client.query('CREATE TABLE public.mine AS SELECT 1'));
    const tables = (database: TestDatabase) =>
      withClient(database.url, async (client) => {
        const { rows } = await client.query(
          "SELECT to_regclass('public.mine') AS mine, to_regclass('store.resource') AS resource",
        );
        return rows;
      });
    expect(await tables(a)).toEqual([{ mine: 'mine', resource: 'store.resource' }]);
    expect(await tables(b)).toEqual([{ mine: null, resource: 'store.resource' }]);
    await Promise.all([a.drop(), b.drop()]);
    await expect(withClient(a.url, (client) => client.query('SELECT 1'))).rejects.toThrow('does not exist');
  });

  test('has the rights of the migrated one, CONNECT for PUBLIC revoked: security.md, roles and rights', async () => {
    const database = await createTestDatabase();
    const { rows } = await withClient(database.url, (client) =>
      client.query(
        `SELECT has_database_privilege('hpms_app', current_database(), 'CONNECT') AS app,
          has_database_privilege('hpms_app', current_database(), 'TEMP') AS temp,
          has_database_privilege('hpms_owner', current_database(), 'CONNECT') AS owner`,
      ),
    );
    expect(rows).toEqual([{ app: true, temp: false, owner: false }]);
    await database.drop();
  });
});

describe('the TCP proxy', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await startTcpProxy(database.url);
  });
  afterAll(async () => {
    await proxy.close();
    await database.drop();
  });

  async function connectThrough(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: proxy.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  test('passes everything until it is told to fail', async () => {
    const client = await connectThrough();
    expect((await client.query("SELECT repeat('x', 1000000) AS long")).rows[0].long).toHaveLength(1_000_000);
    expect(proxy.connections()).toBe(1);
    await client.end();
  });

  test('cuts what is open and lets new connections pass', async () => {
    const client = await connectThrough();
    const sleeping = expect(client.query('SELECT pg_sleep(10)')).rejects.toThrow();
    proxy.cut();
    await sleeping;
    await (await connectThrough()).end();
  });

  test('refuses until it accepts again', async () => {
    const client = await connectThrough();
    proxy.set({ refuse: true });
    await expect(client.query('SELECT 1')).rejects.toThrow();
    await expect(connectThrough()).rejects.toThrow();
    proxy.set({ refuse: false });
    await (await connectThrough()).end();
  });

  test('drops only the replies: the statement is done and its client never hears of it', async () => {
    const client = await connectThrough();
    proxy.set({ dropReplies: true });
    const unanswered = expect(client.query('CREATE TABLE public.done AS SELECT 1')).rejects.toThrow();
    await withClient(database.url, async (direct) => {
      for (;;) {
        const { rows } = await direct.query("SELECT to_regclass('public.done') AS done");
        if (rows[0].done) break;
        await delay(10);
      }
    });
    proxy.cut();
    await unanswered;
    proxy.set({ dropReplies: false });
  });

  test('delays both directions and keeps the order', async () => {
    const client = await connectThrough();
    proxy.set({ delayMs: 50 });
    const began = performance.now();
    const { rows } = await client.query("SELECT n, repeat('x', 100000) FROM generate_series(1, 20) AS n ORDER BY n");
    expect(performance.now() - began).toBeGreaterThanOrEqual(98);
    expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    proxy.set({ delayMs: 0 });
    await client.end();
  });
});

describe('a target that is not there', () => {
  test('is a reset connection, as without the proxy', async () => {
    const gone: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => gone.once('listening', resolve));
    const { port } = gone.address() as { port: number };
    gone.close();
    const proxy = await startTcpProxy(`tcp://127.0.0.1:${port}`);
    const client = new pg.Client({
      host: '127.0.0.1',
      port: Number(new URL(proxy.url).port),
      user: 'x',
      database: 'x',
    });
    await expect(client.connect()).rejects.toThrow();
    await proxy.close();
  });
});

describeWith('redis', 'the throw-away Redis', (program) => {
  test('keeps what it acknowledged over a SIGKILL, on the same port', async () => {
    const server = await startRedis(program);
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    await client.set('kept', '1');
    await server.kill();
    await server.start();
    expect(await client.get('kept')).toBe('1');
    expect((await client.config('GET', 'maxmemory-policy')) as string[]).toEqual(['maxmemory-policy', 'noeviction']);
    client.disconnect();
    await server.stop();
  });
});
