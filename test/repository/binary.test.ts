// A Binary's content lives in the object store, bound to its row and tenant, and is never all in memory: architecture.md, Storage

import { randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Binary } from '@medplum/fhirtypes';
import { createDirectoryObjectStore } from '../../src/gateways/directory-object-store.ts';
import type { ObjectStore } from '../../src/gateways/object-store.ts';
import { openBinary } from '../../src/repository/binary.ts';
import { uploadBinary } from '../../src/repository/binary-upload.ts';
import { create } from '../../src/repository/create.ts';
import { read } from '../../src/repository/read.ts';
import { inSession, type Repository, type Session } from '../../src/repository/session.ts';
import { openVersions, openWithoutData, type VersionRow, versionColumns } from '../../src/repository/stored-version.ts';
import { update } from '../../src/repository/update.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

const frameBytes = 65_536;
const folder = makeTemporaryFolder();
const objectStore = createDirectoryObjectStore(folder);
let bed: HandMade;
let repository: Repository;
beforeAll(async () => {
  bed = await makeByHand();
  repository = { ...bed.with(), objectStore };
});
afterAll(() => bed.close());

const run = <T>(work: (session: Session) => Promise<T>, repo = repository) => bed.run(repo, work);
const head: Binary = { resourceType: 'Binary', contentType: 'image/png' };
const filesIn = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

async function* pieces(bytes: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const collected: Buffer[] = [];
  for await (const piece of bytes) collected.push(piece);
  return Buffer.concat(collected);
}

/** As the HTTP interaction does it: upload first, then one transaction. */
async function storeUpload(bytes: Buffer, resource = head): Promise<string> {
  const upload = await inSession(repository, bed.caller, (session) => uploadBinary(session, resource, pieces(bytes)));
  const { id } = await run((session) => create(session, upload.resource));
  expect(upload.isTaken()).toBe(true);
  return id;
}

const bytesOf = async (id: string, versionId?: string) =>
  collect((await run((session) => openBinary(session, id, versionId))).bytes());

describe('the content of a Binary', () => {
  test.each([1, 2, 3, frameBytes - 1, frameBytes, frameBytes + 1, 3 * frameBytes + 5])(
    'of %i bytes is the same uploaded or posted as base64, read as it is or as FHIR',
    async (length) => {
      const bytes = randomBytes(length);
      const data = bytes.toString('base64');
      const posted = await run((session) => create(session, { ...head, data }));
      for (const id of [await storeUpload(bytes), posted.id]) {
        expect((await bytesOf(id)).equals(bytes)).toBe(true);
        const whole = await run((session) => read(session, 'Binary', id));
        expect(JSON.parse(whole.body.toString()).data).toBe(data);
        const opened = await run((session) => openBinary(session, id));
        expect((await collect(opened.text())).equals(whole.body)).toBe(true);
      }
      expect(JSON.parse(posted.json as string).data).toBe(data);
    },
  );

  test('of no bytes is a Binary without data', async () => {
    const id = await storeUpload(Buffer.alloc(0));
    expect(await bytesOf(id)).toHaveLength(0);
    expect(JSON.parse((await run((session) => read(session, 'Binary', id))).body.toString())).not.toHaveProperty(
      'data',
    );
  });

  test('loses the white space of its base64, and nothing else', async () => {
    const { id } = await run((session) => create(session, { ...head, data: 'SF\n BN\tUw = =' }));
    expect((await bytesOf(id)).toString()).toBe('HPMS');
    expect(JSON.parse((await run((session) => read(session, 'Binary', id))).body.toString()).data).toBe('SFBNUw==');
  });

  test('stays with its version: an update makes a new object', async () => {
    const id = await storeUpload(Buffer.from('one'));
    const upload = await run((session) => uploadBinary(session, { ...head, id }, pieces(Buffer.from('two'))));
    await run((session) => update(session, id, upload.resource));
    expect((await bytesOf(id)).toString()).toBe('two');
    expect((await bytesOf(id, '1')).toString()).toBe('one');
  });

  test('of a write that failed is removed on request, and another write of the same bytes is not touched', async () => {
    const kept = await storeUpload(Buffer.from('same'));
    const before = filesIn().length;
    const upload = await run((session) => uploadBinary(session, head, pieces(Buffer.from('same'))));
    await expect(
      run((session) => create(session, { ...upload.resource, contentType: undefined } as unknown as Binary)),
    ).rejects.toThrow();
    expect(upload.isTaken()).toBe(false);
    expect(filesIn()).toHaveLength(before + 1);
    await upload.discard();
    expect(filesIn()).toHaveLength(before);
    expect((await bytesOf(kept)).toString()).toBe('same');
  });

  test('leaves nothing behind when its source breaks', async () => {
    const before = filesIn().length;
    async function* broken() {
      yield randomBytes(200_000);
      throw new Error('client gone');
    }
    await expect(run((session) => uploadBinary(session, head, broken()))).rejects.toThrow('client gone');
    expect(filesIn()).toHaveLength(before);
  });

  test('is never stored once it is so old that it may be swept', async () => {
    const upload = await run((session) => uploadBinary(session, head, pieces(Buffer.from('late'))));
    const late = { ...repository, now: () => new Date(Date.now() + 3_700_000) };
    await expect(run((session) => create(session, upload.resource), late)).rejects.toThrow('too old');
    expect(upload.isTaken()).toBe(false);
    await upload.discard();
  });
});

describe('memory stays flat', () => {
  const megabyte = randomBytes(1_000_000);

  test('for an upload of 60 MB: no more is taken from the client than is stored, but for a frame', async () => {
    let taken = 0;
    let stored = 0;
    let aheadMax = 0;
    async function* client() {
      for (let sent = 0; sent < 60; sent++) {
        for await (const piece of pieces(megabyte, 50_000)) {
          taken += piece.length;
          yield piece;
        }
      }
    }
    const store: ObjectStore = {
      ...objectStore,
      async put(_, bytes) {
        for await (const frame of bytes) {
          stored += frame.length;
          aheadMax = Math.max(aheadMax, taken - stored);
        }
      },
    };
    await run((session) => uploadBinary(session, head, client()), { ...repository, objectStore: store });
    expect(taken).toBe(60_000_000);
    expect(stored).toBeGreaterThan(taken);
    expect(aheadMax).toBeLessThan(2 * frameBytes);
  });

  test('for a download: no more is read from the store than the client has taken, but for two frames', async () => {
    const id = await storeUpload(Buffer.concat(Array.from({ length: 10 }, () => megabyte)));
    let readBytes = 0;
    const store: ObjectStore = {
      ...objectStore,
      async *get(objectId) {
        for await (const piece of objectStore.get(objectId)) {
          readBytes += piece.length;
          yield piece;
        }
      },
    };
    const opened = await run((session) => openBinary(session, id), { ...repository, objectStore: store });
    expect(readBytes).toBe(0);
    let taken = 0;
    for await (const piece of opened.bytes()) {
      taken += piece.length;
      expect(readBytes - taken).toBeLessThan(3 * frameBytes);
    }
    expect(taken).toBe(10_000_000);
  });

  test('for a list: contents beyond 16 MB in all are left out, and their Binaries say so', async () => {
    const long = await storeUpload(Buffer.concat(Array.from({ length: 11 }, () => megabyte)));
    const short = await storeUpload(Buffer.from('short'));
    const rows = await rowsOf(long, short);
    const reader = { cipher: await bed.doors.keyRing.cipherOf(bed.tenantId), objectStore };
    const versions = await openVersions(reader, [rows[0], rows[0], rows[1]] as VersionRow[]);
    const listed = versions.map(({ body }) => JSON.parse(String(body)) as Binary);
    expect(listed.map(({ data }) => data?.length)).toEqual([14_666_668, undefined, 8]);
    expect(listed.map(({ meta }) => meta?.tag?.[0]?.code)).toEqual([undefined, 'SUBSETTED', undefined]);
    expect(listed[1]?.contentType).toBe('image/png');
    const [plain] = await Promise.all(rows.map((row) => openWithoutData(reader, row)));
    expect(JSON.parse(String(plain?.body))).toEqual({ ...listed[0], data: undefined });
  });
});

async function rowsOf(...ids: readonly string[]): Promise<VersionRow[]> {
  const rows = await bed.doors.tenantDoor(bed.tenantId, (trx) =>
    trx.query<VersionRow>({
      text: `SELECT ${versionColumns} FROM resource WHERE type = 'Binary' AND id = ANY ($1)`,
      values: [ids],
    }),
  );
  return ids.map((id) => rows.find((row) => row.id === id) as VersionRow);
}

describe('an object that was tampered with does not open', () => {
  const fileOf = (objectId: string) => path.join(folder, objectId.slice(-2), objectId.slice(-4, -2), objectId);
  const objectOf = async (id: string) => (await rowsOf(id))[0]?.object_id as string;

  test('put in the place of another one', async () => {
    const [one, two] = [await storeUpload(Buffer.from('one')), await storeUpload(Buffer.from('two'))];
    copyFileSync(fileOf(await objectOf(one)), fileOf(await objectOf(two)));
    await expect(bytesOf(two)).rejects.toThrow();
    expect((await bytesOf(one)).toString()).toBe('one');
  });

  test('named by another row', async () => {
    const [one, two] = [await storeUpload(Buffer.from('one')), await storeUpload(Buffer.from('two'))];
    await bed.doors.tenantDoor(bed.tenantId, async (trx) => {
      trx.execute({ text: 'UPDATE resource SET object_id = $1 WHERE id = $2', values: [await objectOf(one), two] });
    });
    await expect(bytesOf(two)).rejects.toThrow();
  });

  test("with its row, in another tenant's place", async () => {
    const id = await storeUpload(Buffer.from('ours'));
    const [row] = await rowsOf(id);
    const other = await createTenant(bed.doors, { name: 'other' });
    await bed.doors.tenantDoor(other.tenantId, async (trx) => {
      trx.execute({
        text: `INSERT INTO resource (type, id, version_id, last_updated, deleted, content, object_id, tokens)
               VALUES ('Binary', $1, 1, $2, false, $3, $4, '{}')`,
        values: [id, row?.last_updated, row?.content, row?.object_id],
      });
    });
    const caller = { ...bed.caller, tenantId: other.tenantId };
    await expect(inSession(repository, caller, (session) => openBinary(session, id))).rejects.toThrow();
    expect((await bytesOf(id)).toString()).toBe('ours');
  });
});
