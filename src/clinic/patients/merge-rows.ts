// Who was merged into whom, as rows that one statement can ask, and the locks that let one merge of a Patient run at a time.

import { fhirError, gone } from '../../fhir/outcome.ts';
import type { Content } from '../../repository/change.ts';
import { meetsRows } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { contentOf } from './answer-merge.ts';
import { type MergePair, noPatient } from './merge-inputs.ts';

export interface MergeRow {
  readonly sourceId: string;
  readonly targetId: string;
  readonly taskId: string;
  readonly running: boolean;
}

const columns = 'source_id AS "sourceId", target_id AS "targetId", task_id AS "taskId", running';

/** Both as they are now, locked. Throws 404 and 410 as a read does, also for what the caller may not change. */
export async function lockPair(
  session: Session,
  { sourceId, targetId }: MergePair,
): Promise<{ source: Content; target: Content }> {
  const rows = await session.trx.query<VersionRow>({
    name: 'lock-merged',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Patient' AND id = ANY ($1) ORDER BY id FOR UPDATE`,
    values: [[sourceId, targetId]],
  });
  const open = async (id: string): Promise<Content> => {
    const row = rows.find((one) => one.id === id);
    if (!row) throw noPatient(id);
    const { body } = await openVersion({ cipher: session.cipher, objectStore: session.repository.objectStore }, row);
    if (!body) throw gone('Patient', id);
    const content = contentOf(body.toString());
    if (await meetsRows(session, 'u', content.resource, content.exactNumbers)) return content;
    throw noPatient(id);
  };
  return { source: await open(sourceId), target: await open(targetId) };
}

/** Throws 409 where one of the two was merged into another, or a merge of one of them is under way. The two must be locked. */
export async function requireFree(session: Session, { sourceId, targetId }: MergePair, own?: string): Promise<void> {
  const rows = await session.trx.query<MergeRow>({
    name: 'merges-of-pair',
    text: `SELECT ${columns} FROM patient_merge WHERE source_id = ANY ($1) OR (running AND target_id = ANY ($1))`,
    values: [[sourceId, targetId]],
  });
  for (const row of rows) {
    if (row.taskId === own && !row.running) continue;
    if (row.running) throw fhirError('conflict', 'A merge of one of these Patients is under way; wait for its Task.');
    throw mergedInto(row);
  }
}

export function mergedInto({ sourceId, targetId }: MergePair, writeIndex?: number): Error {
  const diagnostics = `Patient/${sourceId} was merged into Patient/${targetId}; write to that one.`;
  return fhirError('conflict', diagnostics, {
    expression: 'Patient.link',
    ...(writeIndex !== undefined && { writeIndex }),
  });
}

/** The last Patient of each chain of merges, for those that were merged at all. */
export async function lastTargets({ trx }: Session, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await trx.query<{ first: string; target: string }>({
    name: 'last-merge-targets',
    text: `WITH RECURSIVE chain (first, target, depth) AS (
             SELECT source_id, target_id, 1 FROM patient_merge WHERE source_id = ANY ($1)
             UNION ALL
             SELECT c.first, m.target_id, c.depth + 1 FROM chain c JOIN patient_merge m ON m.source_id = c.target
             WHERE c.depth < 100)
           SELECT DISTINCT ON (first) first, target FROM chain ORDER BY first, depth DESC`,
    values: [ids],
  });
  return new Map(rows.map(({ first, target }) => [first, target]));
}

export function insertMerge({ trx }: Session, { sourceId, targetId, taskId, running }: MergeRow): void {
  trx.execute({
    name: 'insert-merge',
    text: 'INSERT INTO patient_merge (source_id, target_id, task_id, running) VALUES ($1, $2, $3, $4)',
    values: [sourceId, targetId, taskId, running],
  });
}

/** Locked, so that one job at a time goes on with it. */
export async function lockMerge({ trx }: Session, taskId: string): Promise<MergeRow | undefined> {
  const [row] = await trx.query<MergeRow>({
    name: 'lock-merge',
    text: `SELECT ${columns} FROM patient_merge WHERE task_id = $1 FOR UPDATE`,
    values: [taskId],
  });
  return row;
}

export function markRunning({ trx }: Session, taskId: string, running: boolean): void {
  trx.execute({
    name: 'mark-merge',
    text: 'UPDATE patient_merge SET running = $2 WHERE task_id = $1',
    values: [taskId, running],
  });
}

export function deleteMerge({ trx }: Session, taskId: string): void {
  trx.execute({ name: 'delete-merge', text: 'DELETE FROM patient_merge WHERE task_id = $1', values: [taskId] });
}
