// A server on a database with a month that is over, and `npm run archive` beside it.

import path from 'node:path';
import { createSealer } from '../../../src/audit/seal/sealer.ts';
import { createAnchorFile } from '../../../src/gateways/anchor-file.ts';
import { withClient } from '../../support/database.ts';
import { type Ended, runCommand } from '../../support/run-command.ts';
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

/** Three versions of a Patient of tenant a are from the month, with their AuditEvents; the fourth, and one of tenant b, are not. */
export async function startArchiveServer(): Promise<ArchiveServer> {
  // The tokens of both tenants, which leave AuditEvents too, are of today.
  let isThen = false;
  const folder = makeTemporaryFolder();
  const now = () => new Date(isThen ? inMonthMs : Date.now());
  // Without the jobs: nobody else seals.
  const server = await startTestServer({ now, does: { api: true, jobs: false } });
  await withClient(server.database.url, async (client) => {
    for (const table of ['audit_event', 'history'])
      await client.query('SELECT store.make_partition($1, $2)', [table, `${month}-01`]);
  });
  isThen = true;
  const put = (tenant: 'a' | 'b', gender: string) =>
    server[tenant].request('PUT', '/Patient/p', { resourceType: 'Patient', id: 'p', gender });
  for (const gender of ['male', 'female', 'other']) await put('a', gender);
  isThen = false;
  await put('a', 'unknown');
  await put('b', 'unknown');
  const anchors = createAnchorFile(path.join(makeTemporaryFolder(), 'anchors.jsonl'));
  await createSealer({ ...server.app.doors, roots, anchors, onError: throwIt }).round();
  return { ...server, folder, archive: (...args) => runCommand('archive', args, server.database.url) };
}

function throwIt(error: unknown): never {
  throw error;
}
