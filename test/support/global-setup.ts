// Before the first test: one PostgreSQL for the run, with a migrated template database in it.

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { loadCoreTerminology } from '../../src/terminology/core-terminology.ts';
import { databaseUrl, type TestServer, testRootKey, withClient } from './database.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** Left on `globalThis` for global-teardown.ts. */
export interface TestRun {
  end(): Promise<void>;
}

/** Emptied by `npm ci`, and never read by a server that is not a test's. */
const compiled = path.join(import.meta.dirname, '../../node_modules/.cache/node');

export default async function globalSetup(): Promise<void> {
  process.env.NODE_COMPILE_CACHE ??= compiled;
  const { serverUrl, stop } = await startServer();
  const template = `template_${randomBytes(6).toString('hex')}`;
  const end = async () => {
    await withClient(serverUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`));
    await stop();
  };
  try {
    await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${template}`));
    await migrate({ databaseUrl: databaseUrl(serverUrl, template), rootKey: testRootKey });
    await loadCoreTerminology(databaseUrl(serverUrl, template));
    await withClient(serverUrl, (client) => client.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false`));
  } catch (error) {
    await end();
    throw error;
  }
  const server: TestServer = { serverUrl, template };
  process.env.TEST_SERVER = JSON.stringify(server);
  (globalThis as { testRun?: TestRun }).testRun = { end };
}

/**
 * Three test files at once, some with four servers of 28 connections each: a hundred, as usual, are taken now and then. Each file makes and
 * drops a database, for which PostgreSQL goes through all its buffers, and signs in a dozen times.
 */
const settings = { max_connections: '400', shared_buffers: '256MB', scram_iterations: '1' };

/** The server that TEST_DATABASE_URL names (a superuser's URL), else an embedded one that lives as long as the run. */
async function startServer(): Promise<{ serverUrl: string; stop: () => Promise<void> }> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { serverUrl: given, stop: async () => undefined };
  const dataDir = makeTemporaryFolder(roomyPlace());
  // An interrupted run takes its PostgreSQL along: its exit hook runs only when the process exits by itself.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const postgres = await startEmbeddedPostgres({ dataDir, password: 'test', log: console.error, settings });
  const stop = async () => {
    await postgres.stopImmediately();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { serverUrl: postgres.url, stop };
}

/** A file system in memory, where there is one with room: the tests of what a disk does bring clusters of their own. */
function roomyPlace(): string {
  const [memory, bytesMin] = ['/dev/shm', 6 * 1_024 ** 3];
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= bytesMin ? memory : tmpdir();
}
