// Objects that no row names go after a day, and no others: architecture.md, Storage

import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/fhir/ids.ts';
import { createDirectoryObjectStore } from '../../src/gateways/directory-object-store.ts';
import { create } from '../../src/repository/create.ts';
import { createObjectSweep } from '../../src/repository/sweep-objects.ts';
import { update } from '../../src/repository/update.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

const dayMs = 86_400_000;
/** The sweeps of these tests happen two days from now. */
const later = () => new Date(Date.now() + 2 * dayMs);

let bed: HandMade;
beforeAll(async () => {
  bed = await makeByHand();
});
afterAll(() => bed.close());

function openStore() {
  const folder = makeTemporaryFolder();
  const objectStore = createDirectoryObjectStore(folder);
  const fileOf = (objectId: string) => path.join(folder, objectId.slice(-2), objectId.slice(-4, -2), objectId);
  const add = async (madeMs = Date.now()) => {
    const objectId = newId(madeMs);
    await objectStore.put(objectId, [Buffer.from('x')]);
    return objectId;
  };
  const sweep = (now = later) => createObjectSweep({ systemDoor: bed.doors.systemDoor, objectStore, now });
  return { objectStore, fileOf, add, sweep, has: (objectId: string) => existsSync(fileOf(objectId)) };
}

describe('the sweep of objects', () => {
  test('keeps what a current or an earlier version names, and removes what none does, unfinished files too', async () => {
    const store = openStore();
    const repository = { ...bed.with(), objectStore: store.objectStore };
    const { id } = await bed.run(repository, (session) =>
      create(session, { resourceType: 'Binary', contentType: 'text/plain', data: 'AAAA' }),
    );
    await bed.run(repository, (session) =>
      update(session, id, { resourceType: 'Binary', id, contentType: 'text/plain', data: 'BBBB' }),
    );
    const named = await bed.doors.tenantDoor(bed.tenantId, (trx) =>
      trx.query<{ object_id: string }>({ text: 'SELECT object_id FROM version WHERE id = $1', values: [id] }),
    );
    const orphan = await store.add();
    const unfinished = await store.add();
    writeFileSync(`${store.fileOf(unfinished)}.part`, 'x');
    await store.sweep()();
    expect(named.map((row) => store.has(row.object_id))).toEqual([true, true]);
    expect([store.has(orphan), store.has(unfinished), existsSync(`${store.fileOf(unfinished)}.part`)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('leaves alone what is younger than a day by its id, or by its file, whatever the other says', async () => {
    const store = openStore();
    const youngById = await store.add(Date.now() + 1.5 * dayMs);
    const youngByFile = await store.add();
    const recent = new Date(Date.now() + 1.5 * dayMs);
    utimesSync(store.fileOf(youngByFile), recent, recent);
    await store.sweep()();
    expect([store.has(youngById), store.has(youngByFile)]).toEqual([true, true]);
  });

  test('looks once a day, however often it is called', async () => {
    const store = openStore();
    let nowMs = later().getTime();
    const task = store.sweep(() => new Date(nowMs));
    await task();
    const orphan = await store.add();
    nowMs += dayMs - 1;
    await task();
    expect(store.has(orphan)).toBe(true);
    nowMs += 1;
    await task();
    expect(store.has(orphan)).toBe(false);
  });

  test('removes nothing when the database does not know the objects: it may be another one, or an older copy', async () => {
    const store = openStore();
    const ids: string[] = [];
    for (let made = 0; made < 101; made++) ids.push(await store.add());
    await expect(store.sweep()()).rejects.toThrow('Nothing was swept');
    expect(ids.every(store.has)).toBe(true);
  });

  test('of a store that has never held anything does nothing', async () => {
    const objectStore = createDirectoryObjectStore(path.join(makeTemporaryFolder(), 'none'));
    await createObjectSweep({ systemDoor: bed.doors.systemDoor, objectStore, now: later })();
  });
});
