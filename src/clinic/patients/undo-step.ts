// Takes a merge back, version by version, as far as nobody has changed them since.

import type { Patient } from '@medplum/fhirtypes';
import type { Content, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { writeOwn } from '../../repository/write.ts';
import { contentOf } from './answer-merge.ts';
import { restoredSource, restoredTarget } from './merge-content.ts';
import { deleteMerge, lockPair } from './merge-rows.ts';
import { type MergeRecord, updateTask } from './merge-task.ts';

/** What the Task says of itself while a job takes the merge back. */
export const undoing = 'undoing';

interface Version {
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
}

/** The newest first, and the two Patients last. True when all is taken back; what was not is in the Task. */
export async function undoStep(session: Session, record: MergeRecord, max: number): Promise<boolean> {
  const [source, target, ...changed] = record.versions;
  const batch = changed.slice(-max);
  const left = [...(await leftOf(session, batch.map(versionOf))), ...record.left];
  const further = changed.slice(0, changed.length - batch.length);
  if (further.length > 0) {
    const versions = [source, target, ...further].filter((one) => one !== undefined);
    await updateTask(session, record.taskId, { status: 'in-progress', versions, left, businessStatus: undoing });
    return false;
  }
  await restorePatients(session, record);
  // The earlier versions of the Task keep the list.
  await updateTask(session, record.taskId, { status: 'cancelled', versions: [], left, businessStatus: 'undone' });
  deleteMerge(session, record.taskId);
  return true;
}

/** Restores these, and gives what is still there and stays about the target. */
async function leftOf(session: Session, versions: readonly Version[]): Promise<string[]> {
  const restored = await restore(session, versions);
  const others = versions.filter(({ type, id }) => !restored.has(`${type}/${id}`));
  if (others.length === 0) return [];
  const rows = await session.trx.query<{ reference: string }>({
    name: 'left-by-undo',
    text: `SELECT type || '/' || id AS reference FROM resource
           WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND NOT deleted ORDER BY type, id`,
    values: [others.map(({ type }) => type), others.map(({ id }) => id)],
  });
  return rows.map(({ reference }) => reference);
}

function versionOf(reference: string): Version {
  const [type = '', id = '', , versionId = ''] = reference.split('/');
  return { type, id, versionId: Number(versionId) };
}

/** Gives what was restored: what others have changed since, or deleted, stays as they left it. */
async function restore(session: Session, versions: readonly Version[]): Promise<ReadonlySet<string>> {
  const before = await contentsBefore(session, versions);
  const intents = [...before.values()].map(
    ({ id, content }): WriteIntent => ({
      action: 'update',
      id,
      ...content,
      resource: { ...content.resource, id },
    }),
  );
  if (intents.length > 0) await writeOwn(session, intents);
  return new Set(before.keys());
}

type Before = Pick<Version, 'type' | 'id'> & { readonly content: Content };

/** What each was before its version, for those whose version is still the current one; they are locked. */
async function contentsBefore(session: Session, versions: readonly Version[]): Promise<ReadonlyMap<string, Before>> {
  const rows = await session.trx.query<VersionRow>({
    name: 'lock-versions',
    text: `WITH current AS MATERIALIZED (
             SELECT r.type, r.id, r.version_id FROM resource r
             WHERE (r.type, r.id, r.version_id) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::int[])) AND NOT r.deleted
             ORDER BY r.type, r.id FOR UPDATE)
           SELECT ${versionColumns} FROM history
           WHERE (type, id, version_id) IN (SELECT type, id, version_id - 1 FROM current) AND NOT deleted`,
    values: [versions.map(({ type }) => type), versions.map(({ id }) => id), versions.map((one) => one.versionId)],
  });
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const before = new Map<string, Before>();
  for (const row of rows) {
    const { type, id, body } = await openVersion(reader, row);
    before.set(`${type}/${id}`, { type, id, content: contentOf(String(body)) });
  }
  return before;
}

async function restorePatients(session: Session, { sourceId, targetId, versions }: MergeRecord): Promise<void> {
  const restored = await restore(session, versions.slice(0, 2).map(versionOf));
  const { source, target } = await lockPair(session, { sourceId, targetId });
  const contents: [string, Content][] = [];
  if (!restored.has(`Patient/${sourceId}`)) contents.push([sourceId, restoredSource(source, targetId)]);
  if (!restored.has(`Patient/${targetId}`)) {
    contents.push([targetId, restoredTarget(target, source.resource as Patient)]);
  }
  if (contents.length === 0) return;
  await writeOwn(
    session,
    contents.map(([id, content]) => ({ action: 'update', id, ...content })),
  );
}
