// Removes objects that no row names: what a crash between storing an object and committing its row leaves behind.

import type { SystemDoor } from '../database/system-transaction.ts';
import type { ObjectStore } from '../gateways/object-store.ts';

/**
 * A row that names an object is committed within minutes of the object's making: a request lasts two minutes, an uploaded
 * content is refused after an hour (binary-upload.ts), and the database ends a transaction that idles for 30 s. What no row
 * names after a day is therefore nobody's, also where nobody could tell whether a COMMIT had reached the database.
 */
const ageMinMs = 86_400_000;
/** Listing all objects is for once a day, whatever calls more often. */
const everyMs = 86_400_000;
const idsPerStatement = 1_000;
/** Crashes leave a few. More than this, and more than the rows name, means that this is not the objects' database. */
const strangersMax = 100;
/** The rest waits for the next day. */
const orphansMax = 10_000;

export interface ObjectSweepOptions {
  readonly systemDoor: SystemDoor;
  readonly objectStore: Pick<ObjectStore, 'listBefore' | 'remove'>;
  readonly now: () => Date;
}

/** A task of maintenance, for any number of processes at once. */
export function createObjectSweep(options: ObjectSweepOptions): () => Promise<void> {
  let lastMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = options.now().getTime();
    if (nowMs - lastMs < everyMs) return;
    lastMs = nowMs;
    try {
      await sweep(options, new Date(nowMs - ageMinMs));
    } catch (error) {
      lastMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  };
}

async function sweep({ systemDoor, objectStore }: ObjectSweepOptions, before: Date): Promise<void> {
  const orphans: string[] = [];
  let named = 0;
  for await (const objectIds of inGroups(objectStore.listBefore(before))) {
    const found = await namedOf(systemDoor, objectIds);
    named += found.size;
    orphans.push(...objectIds.filter((objectId) => !found.has(objectId)));
    if (orphans.length >= orphansMax) break;
  }
  if (orphans.length > Math.max(named, strangersMax)) {
    throw new Error(
      `Nothing was swept: the database names ${named} of the stored objects and does not know ${orphans.length}.`,
    );
  }
  for (const objectId of orphans) await objectStore.remove(objectId);
}

/** Those that a current or an earlier version names, of whatever tenant, also one that is archived. */
function namedOf(systemDoor: SystemDoor, objectIds: readonly string[]): Promise<ReadonlySet<string>> {
  return systemDoor(async (trx) => {
    const rows = await trx.query<{ object_id: string }>({
      text: `SELECT object_id FROM resource WHERE object_id = ANY ($1::uuid[])
             UNION SELECT object_id FROM history WHERE object_id = ANY ($1::uuid[])
             UNION SELECT object_id FROM archived_object WHERE object_id = ANY ($1::uuid[])`,
      values: [objectIds],
    });
    return new Set(rows.map((row) => row.object_id));
  });
}

async function* inGroups(ids: AsyncIterable<string>): AsyncGenerator<string[], void> {
  let group: string[] = [];
  for await (const id of ids) {
    group.push(id);
    if (group.length < idsPerStatement) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
