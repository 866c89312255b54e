// A server on a database with a month that is over, and `npm run archive` beside it.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { createSealer } from '../../../src/audit/seal/sealer.ts';
import { createAnchorFile } from '../../../src/gateways/anchor-file.ts';
import { testRootKey, withClient } from '../../support/database.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { makeTemporaryFolder } from '../../support/temporary-folder.ts';
import { roots } from '../seal/seal-world.ts';
import { month } from './archive-world.ts';

const inMonthMs = Date.parse(`${month}-15T12:00:00Z`);

export interface ArchiveServer extends TestServer {
  readonly folder: string;
  /** The command with these arguments. */
  archive(...args: readonly string[]): Promise<Ended>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Three versions of a Patient of tenant a are from the month, with their AuditEvents; the fourth, and one of tenant b, are not. */
export async function startArchiveServer(): Promise<ArchiveServer> {
  let isThen = true;
  const folder = makeTemporaryFolder();
  const now = () => new Date(isThen ? inMonthMs : Date.now());
  // Without the jobs: nobody else seals.
  const server = await startTestServer({ now, does: { api: true, jobs: false } });
  await withClient(server.database.url, async (client) => {
    for (const table of ['audit_event', 'history'])
      await client.query('SELECT store.make_partition($1, $2)', [table, `${month}-01`]);
  });
  const put = (tenant: 'a' | 'b', gender: string) =>
    server[tenant].request('PUT', '/Patient/p', { resourceType: 'Patient', id: 'p', gender });
  for (const gender of ['male', 'female', 'other']) await put('a', gender);
  isThen = false;
  await put('a', 'unknown');
  await put('b', 'unknown');
  const anchors = createAnchorFile(path.join(makeTemporaryFolder(), 'anchors.jsonl'));
  await createSealer({ ...server.app.doors, roots, anchors, onError: throwIt }).round();
  return { ...server, folder, archive: (...args) => runArchive(server.database.url, args) };
}

function throwIt(error: unknown): never {
  throw error;
}

function runArchive(databaseUrl: string, args: readonly string[]): Promise<Ended> {
  const cwd = path.join(import.meta.dirname, '../../..');
  const env = {
    ...{ PATH: process.env.PATH, DATABASE_URL: databaseUrl, HPMS_DATA_DIR: makeTemporaryFolder() },
    ROOT_KEY: testRootKey.toString('base64'),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['src/commands/archive.ts', ...args], { env, cwd }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
