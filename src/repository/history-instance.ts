// The versions of one resource, newest first: https://hl7.org/fhir/R4/http.html#history

import { requirePermission } from '../access/may.ts';
import { isId } from '../fhir/ids.ts';
import { notFound } from '../fhir/outcome.ts';
import { auditEventType } from './audit-rows.ts';
import { read } from './read.ts';
import type { Session } from './session.ts';
import { openVersion, type StoredVersion, type VersionRow, versionColumns } from './stored-version.ts';

export interface HistoryPage {
  readonly versions: readonly StoredVersion[];
  readonly total: number;
  /** The version the next page starts below; undefined on the last page. */
  readonly nextBelowVersionId: number | undefined;
}

export interface HistoryOptions {
  readonly pageSize: number;
  /** Only versions below this one. */
  readonly belowVersionId?: number;
}

/** Throws 404 when the resource never existed in this tenant; deletions are versions without a body. */
export async function historyInstance(
  session: Session,
  type: string,
  id: string,
  options: HistoryOptions,
): Promise<HistoryPage> {
  requirePermission(session.caller, 'r', type);
  if (!isId(id)) throw notFound(type, id);
  if (type === auditEventType)
    return { versions: [await read(session, type, id)], total: 1, nextBelowVersionId: undefined };
  const counted = session.trx.query<{ version_id: number }>({
    name: 'history-total',
    text: 'SELECT version_id FROM resource WHERE type = $1 AND id = $2',
    values: [type, id],
  });
  const rows = await session.trx.query<VersionRow>({
    name: 'history-instance',
    text: `SELECT ${versionColumns} FROM version WHERE type = $1 AND id = $2 AND version_id < $3
           ORDER BY version_id DESC LIMIT $4`,
    values: [type, id, options.belowVersionId ?? 2 ** 31 - 1, options.pageSize + 1],
  });
  const [current] = await counted;
  if (!current) throw notFound(type, id);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const versions = await Promise.all(rows.slice(0, options.pageSize).map((row) => openVersion(reader, row)));
  // Versions count up from 1 without gaps, so the newest number is the total.
  return {
    versions,
    total: current.version_id,
    nextBelowVersionId: rows.length > options.pageSize ? versions.at(-1)?.versionId : undefined,
  };
}
