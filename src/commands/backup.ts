// `npm run backup`: copies database and objects of a running HPMS into a folder, once or as long as it runs (README, Backup).

import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { runningPostgresUrl } from '../database/postmaster.ts';
import { rolePassword } from '../database/role-password.ts';
import { explain } from '../explain.ts';
import { dropPartial, follow } from './backup/follow.ts';
import { hasManifest, type Manifest, makeBackupFolder, readManifest, requireRootKey } from './backup/manifest.ts';
import { writeLogical } from './backup/write-logical.ts';
import { megabytes, type WriteBackupOptions, writePhysical } from './backup/write-physical.ts';
import { count, Report } from './demo/report.ts';

const usage = `Use: npm run backup -- --to FOLDER [--follow | --logical]
  --follow   goes on copying what is written until it is stopped, so that a restore can choose the moment;
             on a folder that has a backup it goes on with that
  --logical  the rows instead of the files: for another major version of PostgreSQL, or a server that lets nobody copy its files
The root key is not part of it: keep that elsewhere.`;

interface Arguments {
  readonly to: string;
  readonly follow: boolean;
  readonly logical: boolean;
}

const report = new Report(process.stdout);
try {
  await run(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(explain(error));
  process.exitCode = 2;
}

function readArguments(args: readonly string[]): Arguments {
  const options = { to: { type: 'string' }, follow: { type: 'boolean' }, logical: { type: 'boolean' } } as const;
  try {
    const { to, follow = false, logical = false } = parseArgs({ args: [...args], options }).values;
    if (to !== undefined && !(follow && logical)) return { to: path.resolve(to), follow, logical };
  } catch {
    // It says what it does not know; people want to know what there is.
  }
  throw new ConfigError(usage);
}

async function run({ to: folder, follow: isFollowing, logical }: Arguments): Promise<void> {
  const config = readConfig(process.env, 'required');
  const { dataDir, crypto } = config;
  const databaseUrl = findDatabase(config);
  const progress = (text: string) => report.progress(text);
  const options = { databaseUrl, dataDir, rootKey: crypto.rootKey, folder, progress };
  if (isFollowing && hasManifest(folder)) return await keepFollowing(options, readManifest(folder));
  await makeBackupFolder(folder);
  const startedAt = performance.now();
  if (logical) return told(await writeLogical(options), startedAt, folder);
  const { manifest, receiver } = await writePhysical(options);
  told(manifest, startedAt, folder);
  if (isFollowing) return await keepFollowing(options, manifest, receiver);
  await receiver.close();
  dropPartial(folder);
}

function findDatabase({ database, dataDir, crypto }: Config): string {
  const url = database.url ?? runningPostgresUrl({ dataDir, password: rolePassword(crypto.rootKey, 'postgres') });
  if (url === undefined) throw new ConfigError(`No HPMS runs on ${dataDir}; start it first, or set DATABASE_URL.`);
  return url;
}

function told({ kind, list, objects, postgresql, leftOut }: Manifest, startedAt: number, folder: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  report.line(`A ${kind} backup of PostgreSQL ${postgresql.version} is in ${folder}:`);
  report.line(
    `${count(list.files, 'file')}, ${megabytes(list.bytes)} MB, ${count(objects, 'object')}, in ${seconds} s.`,
  );
  report.line(`Not part of it: ${leftOut.join('; ')}.`);
}

async function keepFollowing(
  options: WriteBackupOptions & { readonly dataDir: string },
  manifest: Manifest,
  receiver?: Awaited<ReturnType<typeof writePhysical>>['receiver'],
): Promise<void> {
  requireRootKey(manifest, options.rootKey);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  report.line('Following; Ctrl-C stops it, and the same command goes on with it.');
  const log = (line: string) => report.line(line);
  await follow({ ...options, manifest, ...(receiver ? { receiver } : {}), signal: stopping.signal, log });
}
