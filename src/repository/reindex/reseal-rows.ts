// Seals the bodies of current resources under the newest data key: the same version, the same time, the same ETag.

import { sealFrames } from '../../crypto/frames.ts';
import { keyVersionOf } from '../../crypto/sealed-box.ts';
import { newId } from '../../fhir/ids.ts';
import { openContent, putContent, sealHead } from '../binary-content.ts';
import type { Session } from '../session.ts';
import { keyVersionOfObject, openObject } from '../stored-object.ts';
import { bodyContext, openBinaryHead, type VersionRow } from '../stored-version.ts';
import { takeBackgroundTurn } from '../turn.ts';
import { unlessDamaged } from './unless-damaged.ts';

interface Resealed {
  readonly row: VersionRow;
  readonly content: Buffer | null;
  readonly objectId: string | null;
}

/** The rows are locked and none is a deletion's. An object that its row does not name any more is swept when nobody can be reading it. */
export async function resealRows(session: Session, rows: readonly VersionRow[]): Promise<void> {
  const resealed: Resealed[] = [];
  const turn = takeBackgroundTurn();
  for (const row of rows) {
    const one = await unlessDamaged(session, () => resealOlder(session, row));
    if (one) resealed.push(one);
    if (turn.isOver()) await turn.next();
  }
  if (resealed.length === 0) return;
  session.trx.execute({
    name: 'reseal-resources',
    text: `UPDATE resource SET content = row.content, object_id = row.object_id
           FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) AS row (type, id, content, object_id)
           WHERE resource.type = row.type AND resource.id = row.id`,
    values: [
      resealed.map(({ row }) => row.type),
      resealed.map(({ row }) => row.id),
      resealed.map(({ content }) => content),
      resealed.map(({ objectId }) => objectId),
    ],
  });
}

async function resealOlder(session: Session, row: VersionRow): Promise<Resealed | undefined> {
  return (await isOlder(session, row)) ? await reseal(session, row) : undefined;
}

async function isOlder({ cipher, repository }: Session, row: VersionRow): Promise<boolean> {
  const { content, object_id: objectId } = row;
  if (content && keyVersionOf(content) < cipher.dataKeyVersion) return true;
  if (objectId === null) return false;
  const ofVersion = bodyContext(row.type, row.id, row.version_id);
  return (await keyVersionOfObject(repository, { objectId, ofVersion })) < cipher.dataKeyVersion;
}

async function reseal(session: Session, row: VersionRow): Promise<Resealed> {
  const { cipher, repository, at } = session;
  const { objectStore } = repository;
  if (row.type === 'Binary') return await resealBinary(session, row);
  const context = bodyContext(row.type, row.id, row.version_id);
  if (row.content) return { row, content: cipher.seal(cipher.open(row.content, context), context), objectId: null };
  const objectId = newId(at.getTime());
  const plain = openObject({ cipher, objectStore }, { objectId: row.object_id as string, context, ofVersion: context });
  await objectStore.put(objectId, sealFrames(cipher, plain, context));
  return { row, content: null, objectId };
}

/** What it says about itself names its content's object, and both are under one key. */
async function resealBinary({ cipher, repository, at }: Session, row: VersionRow): Promise<Resealed> {
  const reader = { cipher, objectStore: repository.objectStore };
  const head = openBinaryHead(reader, row);
  const content = head.content && (await putContent(reader, newId(at.getTime()), openContent(reader, head.content)));
  const objectId = content?.objectId ?? null;
  const place = { id: row.id, versionId: row.version_id, objectId };
  return { row, content: sealHead(cipher, place, head.json, content), objectId };
}
