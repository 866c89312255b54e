// A physical backup: the files of the whole cluster as PostgreSQL streams them, the log that makes them one moment's, and the objects.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { constants, createZstdCompress } from 'node:zlib';
import { ConfigError } from '../../config.ts';
import { type BaseBackup, takeBaseBackup } from '../../database/base-backup.ts';
import { parseLsn, segmentStart } from '../../database/wal-position.ts';
import { connectWalReceiver, type WalReceiver } from '../../database/wal-receiver.ts';
import { type DatabaseFacts, readFacts, withClient } from './database-facts.ts';
import { FileList } from './file-list.ts';
import { leftOut, lists, type Manifest, rootKeyId, writeManifest } from './manifest.ts';
import { copyObjects } from './objects.ts';

export const baseFile = 'database/base.tar.zst';
export const walFolder = 'wal';

export interface WriteBackupOptions {
  readonly databaseUrl: string;
  /** Of the objects; absent: they are left where they are. */
  readonly dataDir?: string;
  readonly rootKey: Buffer;
  readonly folder: string;
  readonly progress: (text: string) => void;
}

export interface PhysicalBackup {
  readonly manifest: Manifest;
  /** Still receives what the server goes on writing; the caller closes it. */
  readonly receiver: WalReceiver;
}

/** `folder` is empty. */
export async function writePhysical(options: WriteBackupOptions): Promise<PhysicalBackup> {
  const startedAt = new Date();
  const { databaseUrl, folder } = options;
  const facts = await withClient(databaseUrl, readFacts);
  const list = new FileList(folder, lists.whole);
  mkdirSync(path.join(folder, walFolder), { mode: 0o700 });
  const receiver = await connect(options, facts);
  try {
    const base = await copyCluster(options, receiver, list);
    const last = segmentStart(parseLsn(base.endLsn) - 1n, facts.segmentBytes);
    // A backup's end begins a new file of the log, so that this one is soon whole.
    await receiver.reached(last + BigInt(facts.segmentBytes));
    for (const name of receiver.takeFinished()) await list.add(`${walFolder}/${name}`);
    const objects = await copyObjects(options.dataDir, list, (done) => options.progress(`${done} objects`));
    const { startLsn, endLsn, timeline } = base;
    const { segmentBytes, version, major, database, migrations } = facts;
    const manifest: Manifest = {
      format: 1,
      kind: 'physical',
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      postgresql: { version, major },
      database,
      migrations,
      rootKeyId: rootKeyId(options.rootKey),
      leftOut,
      list: { sha256: await list.close(), files: list.files, bytes: list.bytes },
      objects,
      wal: { systemId: receiver.systemId, timeline, startLsn, endLsn, segmentBytes },
      isFollowedSigned: true,
    };
    return { manifest: await writeManifest(folder, manifest, options.rootKey), receiver };
  } catch (error) {
    await receiver.close();
    throw error;
  }
}

async function connect(
  { databaseUrl, folder }: WriteBackupOptions,
  { segmentBytes }: DatabaseFacts,
): Promise<WalReceiver> {
  try {
    return await connectWalReceiver({ databaseUrl, folder: path.join(folder, walFolder), segmentBytes });
  } catch (error) {
    throw new ConfigError(
      `This server does not let its files be copied (${(error as Error).message}). It needs a role with REPLICATION, a line ` +
        'for the database "replication" in pg_hba.conf, and wal_level = replica; or make a logical backup: -- --logical.',
    );
  }
}

function copyCluster(options: WriteBackupOptions, receiver: WalReceiver, list: FileList): Promise<BaseBackup> {
  // Half of a cluster is indexes and empty space, which compress well and fast; the rest is encrypted.
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return list.fill(baseFile, compress, (tar) =>
    takeBaseBackup({
      databaseUrl: options.databaseUrl,
      tar,
      onStart: receiver.start,
      onProgress: (done, all) => options.progress(`${megabytes(done)} of about ${megabytes(all)} MB of the database`),
    }),
  );
}

export function megabytes(bytes: number): string {
  return Math.round(bytes / 1e6).toLocaleString('en');
}
