// The bodies that live outside the database, copied after it: an object is stored before the row that names it and never changes.

import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { timeOfId } from '../../fhir/ids.ts';
import type { FileList } from './file-list.ts';

const folderName = 'objects';

/** Unfinished ones are left out. Gives how many there are. */
export async function copyObjects(
  dataDir: string | undefined,
  list: FileList,
  onProgress: (done: number) => void,
): Promise<number> {
  if (dataDir === undefined) return 0;
  let copied = 0;
  for await (const object of objectsIn(dataDir)) {
    await copyObject(dataDir, object, list);
    onProgress(++copied);
  }
  return copied;
}

/** Paths below `objects/`, with `/`. */
export async function* objectsIn(dataDir: string): AsyncGenerator<string, void> {
  const root = path.join(dataDir, folderName);
  for (const first of await namesIn(root)) {
    for (const second of await namesIn(path.join(root, first))) {
      for (const name of await namesIn(path.join(root, first, second))) {
        if (timeOfId(name) !== undefined) yield `${first}/${second}/${name}`;
      }
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? await readdir(folder) : [];
}

function copyObject(dataDir: string, object: string, list: FileList): Promise<void> {
  return list.write(`${folderName}/${object}`, createReadStream(path.join(dataDir, folderName, object)));
}

/** As the object store lays them out (gateways/directory-object-store.ts). */
export function objectPath(folder: string, objectId: string): string {
  return path.join(folder, folderName, objectId.slice(-2), objectId.slice(-4, -2), objectId);
}

/** A row names an object that is at most an hour older than its transaction, by binary-upload.ts. */
const ageMaxMs = 2 * 3_600_000;

/** Those of the last hours that the backup does not have yet; their ids tell the time. */
export async function copyNewObjects(
  client: pg.Client,
  dataDir: string,
  backup: { readonly folder: string; readonly list: FileList },
): Promise<void> {
  const time = (Date.now() - ageMaxMs).toString(16).padStart(12, '0');
  const { rows } = await client.query<{ object_id: string }>(
    `SELECT object_id FROM store.resource WHERE object_id >= $1::uuid
     UNION SELECT object_id FROM store.history WHERE object_id >= $1::uuid`,
    [`${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`],
  );
  for (const { object_id: id } of rows) {
    if (existsSync(objectPath(backup.folder, id)) || !existsSync(objectPath(dataDir, id))) continue;
    await copyObject(dataDir, `${id.slice(-2)}/${id.slice(-4, -2)}/${id}`, backup.list);
  }
}
