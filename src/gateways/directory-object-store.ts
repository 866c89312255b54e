// The object store of one machine: a file per object below a directory.

import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { timeOfId } from '../fhir/ids.ts';
import type { ObjectStore } from './object-store.ts';

const objectIdSyntax = /^[0-9a-f-]{36}$/;
/** What a crash in the middle of a write leaves behind. */
const unfinished = '.part';

export function createDirectoryObjectStore(directory: string): ObjectStore {
  /** Two levels of folders keep each of them small; the last digits of a UUIDv7 are random, the first are time. */
  function pathOf(objectId: string): string {
    if (!objectIdSyntax.test(objectId)) throw new Error('An object id is a UUID.');
    return join(directory, objectId.slice(-2), objectId.slice(-4, -2), objectId);
  }
  return {
    async put(objectId, bytes) {
      const path = pathOf(objectId);
      await makeFolders(dirname(path));
      try {
        await writeDurably(path + unfinished, bytes);
      } catch (error) {
        await rm(path + unfinished, { force: true });
        throw error;
      }
      await rename(path + unfinished, path);
      await syncDirectory(dirname(path));
    },
    get: (objectId) => createReadStream(pathOf(objectId)),
    async remove(objectId) {
      const path = pathOf(objectId);
      await rm(path, { force: true });
      await rm(path + unfinished, { force: true });
    },
    async *listBefore(time) {
      for await (const path of filesBelow(directory, 2)) {
        const objectId = path.slice(dirname(path).length + 1).replace(unfinished, '');
        const madeMs = timeOfId(objectId);
        // A clock that was wrong once, here or where the id was made, must not make an object of today look old.
        if (madeMs !== undefined && madeMs < time.getTime() && (await changedBefore(path, time))) yield objectId;
      }
    },
  };
}

async function writeDurably(path: string, bytes: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of bytes) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A folder is as durable as its entry in the one above. */
async function makeFolders(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** A rename is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The files exactly so many folders below this one; what is not there has none. */
async function* filesBelow(directory: string, levels: number): AsyncGenerator<string> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(noneIfMissing)) {
    const path = join(directory, entry.name);
    if (levels > 0 && entry.isDirectory()) yield* filesBelow(path, levels - 1);
    else if (levels === 0 && entry.isFile()) yield path;
  }
}

/** What cannot be looked at is left alone. */
async function changedBefore(path: string, time: Date): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && stats.mtimeMs < time.getTime();
}

function noneIfMissing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
