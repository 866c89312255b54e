// `npm run bench:audit-verify`: makes AuditEvents of the usual size, seals them as the server does, and times `npm run audit:verify` on them.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createSealer } from '../../src/audit/seal/sealer.ts';
import { alignTable, count, perSecond } from '../../src/commands/demo/report.ts';
import { soleRoot } from '../../src/crypto/root-keys.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { type Doors, openDoors } from '../../src/doors.ts';
import { newId } from '../../src/fhir/ids.ts';
import { createAnchorFile } from '../../src/gateways/anchor-file.ts';
import { keysOfRoot, withClient } from '../support/database.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '200000' }, bytes: { type: 'string', default: '900' } },
});
const events = Number(values.events);
/** What AuditEvents of a read take when they are sealed. */
const contentBytes = Number(values.bytes);
const perInsert = 2_000;
const rootKey = randomBytes(32);
const dataDir = makeTemporaryFolder();
const anchorFile = path.join(dataDir, 'anchors.jsonl');

const embedded = await startEmbeddedPostgres({
  dataDir,
  password: rolePassword(rootKey, 'postgres'),
  log: () => undefined,
});
try {
  await migrate({ databaseUrl: embedded.url, rootKey, log: () => undefined });
  const doors = openDoors({ databaseUrl: embedded.url, ...keysOfRoot(rootKey), onIdleError: () => undefined });
  try {
    await bench(doors);
  } finally {
    await doors.close();
  }
} finally {
  await embedded.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function bench(doors: Doors): Promise<void> {
  const tenantId = await makeTenant();
  const [inserted] = await timed(() => insertEvents(doors, tenantId));
  const sealer = createSealer({
    ...doors,
    ...{ roots: soleRoot(rootKey), anchors: createAnchorFile(anchorFile) },
    onError(error) {
      throw error;
    },
  });
  const [sealed] = await timed(() => sealer.round());
  const [verified, output] = await timed(async () => verify());
  const [proved] = await timed(async () => verify('--tenant', 'bench', '--since', 'last'));
  const row = (what: string, ms: number) => [what, `${(ms / 1_000).toFixed(1)} s`, perSecond(events, ms)];
  const rows = [row('insert', inserted), row('seal', sealed), row('audit:verify', verified)];
  console.log(output.trim());
  console.log(`\n${count(events, 'event')} of ${contentBytes} bytes\n`);
  console.log(alignTable([...rows, ['audit:verify --since last', `${(proved / 1_000).toFixed(1)} s`, '']]).join('\n'));
}

async function makeTenant(): Promise<number> {
  return await withClient(embedded.url, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      "INSERT INTO store.tenant (name, display) VALUES ('bench', 'Bench') RETURNING id",
    );
    return (rows[0] as { id: number }).id;
  });
}

/** With tokens as many as an event has, so that rows are as large and as far apart as in use. */
async function insertEvents({ tenantDoor }: Doors, tenantId: number): Promise<void> {
  for (let done = 0; done < events; done += perInsert) {
    const at = new Date();
    const ids = Array.from({ length: Math.min(perInsert, events - done) }, () => newId(at.getTime()));
    await tenantDoor(tenantId, async (trx) => {
      trx.execute({
        text: `INSERT INTO audit_event (last_updated, id, content, tokens)
               SELECT $1, id, $3, ARRAY(SELECT hashint8extended(n % 10, n + length(id)) FROM generate_series(1, 20) n)
               FROM unnest($2::text[]) AS id`,
        values: [at, ids, randomBytes(contentBytes)],
      });
    });
  }
}

function verify(...args: readonly string[]): string {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: embedded.url,
    HPMS_DATA_DIR: dataDir,
    AUDIT_ANCHOR: `file:${anchorFile}`,
  };
  const command = path.join(import.meta.dirname, '../../src/commands/audit-verify.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    env: { ...env, ROOT_KEY: rootKey.toString('base64') },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout + stderr);
  return stdout;
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const startedAt = performance.now();
  const result = await work();
  return [performance.now() - startedAt, result];
}
