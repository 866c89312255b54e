// Makes a cluster's folder of the files of a physical backup; PostgreSQL's own recovery makes one moment of them.

import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { giveTo, type SystemUser } from '../../database/embedded-place.ts';
import { baseFile, walFolder } from './write-physical.ts';

export interface UnpackOptions {
  readonly folder: string;
  readonly cluster: string;
  /** Whose the files are to be, where that is another than ours. */
  readonly user?: SystemUser | undefined;
  readonly progress: (unpackedBytes: number) => void;
}

/** `cluster` does not exist yet. It is left waiting for recovery: with `recovery.signal` and without a `restore_command`. */
export async function unpackCluster(options: UnpackOptions): Promise<void> {
  const { folder, cluster, user } = options;
  await mkdir(cluster, { mode: 0o700 });
  giveTo(user, cluster);
  const archive = extract();
  await Promise.all([
    pipeline(createReadStream(path.join(folder, baseFile)), createZstdDecompress(), archive),
    writeEntries(archive, options),
  ]);
  await copyLog(options);
  await writeFile(path.join(cluster, 'recovery.signal'), '', { mode: 0o600 });
  giveTo(user, path.join(cluster, 'recovery.signal'));
}

interface Entry extends AsyncIterable<Buffer> {
  readonly header: Header;
}

async function writeEntries(
  archive: AsyncIterable<unknown>,
  { cluster, user, progress }: UnpackOptions,
): Promise<void> {
  let bytes = 0;
  for await (const entry of archive as AsyncIterable<Entry>) {
    const { name, type, size = 0 } = entry.header;
    const target = path.join(cluster, name);
    if (name.split('/').includes('..')) throw new Error(`The backup has a file outside the cluster: ${name}.`);
    if (type === 'directory') await mkdir(target, { recursive: true, mode: 0o700 });
    else if (type === 'file') await pipeline(entry, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
    else throw new Error(`The backup has a ${type} in it, ${name}, and not only files.`);
    for await (const _ of entry);
    giveTo(user, target);
    bytes += size;
    progress(bytes);
  }
}

/** Beside what the archive holds; the last file, which is still written, as far as it goes. */
async function copyLog({ folder, cluster, user }: UnpackOptions): Promise<void> {
  const target = path.join(cluster, 'pg_wal');
  await mkdir(target, { recursive: true, mode: 0o700 });
  giveTo(user, target);
  for (const name of await readdir(path.join(folder, walFolder))) {
    const file = path.join(target, name.replace('.partial', ''));
    await copyFile(path.join(folder, walFolder, name), file);
    giveTo(user, file);
  }
}
