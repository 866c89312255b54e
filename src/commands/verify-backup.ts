// `npm run verify`: whether a backup can be relied on, by restoring it into a scratch folder and asking what came out (README, Backup).

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { anchorPlaceOf, ConfigError, readConfig } from '../config.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { findCluster } from '../database/embedded-place.ts';
import { rolePassword } from '../database/role-password.ts';
import { explain } from '../explain.ts';
import { findWrongFiles } from './backup/check-files.ts';
import { type CheckResult, checkRestored } from './backup/check-restored.ts';
import { exitOnSignal } from './backup/exit-on-signal.ts';
import { loadLogical } from './backup/load-logical.ts';
import { type Manifest, readManifest, requireRootKey } from './backup/manifest.ts';
import { restoreObjects, restorePhysical } from './backup/restore-physical.ts';
import { count, Report } from './demo/report.ts';

const usage = `Use: npm run verify -- --from FOLDER [--scratch FOLDER] [--binaries FOLDER]
  --scratch   where to restore it for a look, by default the system's temporary folder; it needs the database's size
  --binaries  the folder of postgres, for a backup of another major version than the one that npm brings`;

/** Exit code 1: something is not as it should be; 2: the command could not do its work. */
const exitCodes = { wrong: 1, failed: 2 } as const;
const shownMax = 20;

interface Arguments {
  readonly from: string;
  readonly scratch: string;
  readonly binaries?: string | undefined;
}

const report = new Report(process.stdout);
exitOnSignal();
try {
  await run(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(explain(error));
  process.exitCode = exitCodes.failed;
}

function readArguments(args: readonly string[]): Arguments {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ args: [...args], options: { from: text, scratch: text, binaries: text } });
    const { from, scratch = tmpdir(), binaries } = values;
    if (from !== undefined) return { from: path.resolve(from), scratch: path.resolve(scratch), binaries };
  } catch {
    // It says what it does not know; people want to know what there is.
  }
  throw new ConfigError(usage);
}

async function run({ from: folder, scratch, binaries }: Arguments): Promise<void> {
  const startedAt = performance.now();
  const config = readConfig(process.env, 'required');
  const { rootKey } = config.crypto;
  const manifest = readManifest(folder);
  requireRootKey(manifest, rootKey);
  const progress = (text: string) => report.progress(text);
  const wrong = await findWrongFiles({ folder, manifest, rootKey }, progress);
  tell({ name: 'files', detail: `${count(manifest.list.files, 'file')} and the log since`, problems: wrong });
  const dataDir = mkdtempSync(path.join(scratch, 'hpms-verify-'));
  // PostgreSQL's own user must pass through, when root starts us.
  chmodSync(dataDir, 0o711);
  const restoredAt = performance.now();
  try {
    restoreObjects(folder, dataDir, 'link');
    const { url: databaseUrl } = config.database;
    const server = await restore({ folder, manifest, dataDir, rootKey, binaries, databaseUrl, progress });
    try {
      const restoredMs = performance.now() - restoredAt;
      tell({ name: 'restore', detail: `in ${(restoredMs / 1_000).toFixed(1)} s`, problems: [] });
      const options = {
        databaseUrl: server.url,
        dataDir,
        crypto: config.crypto,
        anchors: anchorPlaceOf(config),
        manifest,
        progress,
      };
      for await (const result of checkRestored(options)) tell(result);
    } finally {
      await server.stopImmediately();
    }
  } finally {
    removeScratch(dataDir);
  }
  report.line(`\n${verdict()} in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.`);
}

function verdict(): string {
  return process.exitCode === undefined
    ? 'The backup is whole and can be restored; verified'
    : 'The backup is NOT sound; looked at';
}

type Restoring = Parameters<typeof restorePhysical>[0] & { readonly manifest: Manifest };

async function restore(options: Restoring) {
  if (options.manifest.kind === 'physical') return await restorePhysical(options);
  const { dataDir, rootKey, progress } = options;
  const server = await startEmbeddedPostgres({ dataDir, password: rolePassword(rootKey, 'postgres'), log: progress });
  try {
    await loadLogical({ ...options, databaseUrl: server.url });
    return server;
  } catch (error) {
    await server.stopImmediately();
    throw error;
  }
}

/** The cluster may lie elsewhere, where root could not keep it here. */
function removeScratch(dataDir: string): void {
  const cluster = findCluster(dataDir);
  if (!cluster.startsWith(dataDir)) rmSync(path.dirname(cluster), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

function tell({ name, detail, problems }: CheckResult): void {
  const isRight = problems.length === 0;
  if (!isRight) process.exitCode = exitCodes.wrong;
  const verdict = styleText(isRight ? 'green' : 'red', isRight ? 'ok   ' : 'WRONG', { stream: process.stdout });
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  report.line(`${verdict}  ${name.padEnd(12)}${detail}`);
  for (const problem of problems.slice(0, shownMax)) report.line(`         ${problem}`);
  if (problems.length > shownMax) report.line(`         and ${problems.length - shownMax} more`);
}
