// The object store of one machine: a file per object below a directory.

import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectStore } from './object-store.ts';

const objectIdSyntax = /^[0-9a-f-]{36}$/;

export function createDirectoryObjectStore(directory: string): ObjectStore {
  /** Two levels of folders keep each of them small; the last digits of a UUIDv7 are random, the first are time. */
  function pathOf(objectId: string): string {
    if (!objectIdSyntax.test(objectId)) throw new Error('An object id is a UUID.');
    return join(directory, objectId.slice(-2), objectId.slice(-4, -2), objectId);
  }
  return {
    async put(objectId, bytes) {
      const path = pathOf(objectId);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const unfinished = `${path}.part`;
      const file = await open(unfinished, 'wx', 0o600);
      try {
        for await (const piece of bytes) await file.writeFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
      await syncDirectory(dirname(path));
    },
    get: (objectId) => createReadStream(pathOf(objectId)),
    remove: (objectId) => rm(pathOf(objectId), { force: true }),
  };
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
