// Vread: one version of a resource: https://hl7.org/fhir/R4/http.html#vread

import { requirePermission } from '../access/may.ts';
import { isId } from '../fhir/ids.ts';
import { gone, notFound } from '../fhir/outcome.ts';
import { auditEventType } from './audit-rows.ts';
import { find, type ReadVersion, read } from './read.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { openVersion, type StoredVersion, type VersionRow, versionColumns } from './stored-version.ts';
import { archivedVersion } from './tell-archived.ts';
import { isVisible } from './visible.ts';

const versionSyntax = /^[1-9][0-9]{0,8}$/;

/**
 * Throws 404 for a version that never was and 410 for one that is a deletion. Who may see some rows only must be able to see
 * the version and the current one: a record that was moved from one patient to another is the other's with all its past.
 */
export async function vread(session: Session, type: string, id: string, versionId: string): Promise<ReadVersion> {
  requirePermission(session.caller, 'r', type);
  const unknown = notFound(type, `${id}/_history/${versionId}`);
  if (!isId(id) || !versionSyntax.test(versionId)) throw unknown;
  if (type === auditEventType) {
    if (versionId !== '1') throw unknown;
    return await read(session, type, id);
  }
  const version = await findVersion(session, type, id, Number(versionId));
  if (!version) {
    const isPast = () => isEarlier(session, type, id, Number(versionId));
    throw (await archivedVersion(session, `${type}/${id}/_history/${versionId}`, isPast)) ?? unknown;
  }
  if (!(await isVisible(session, version))) throw unknown;
  if (rowsOf(session, 'r', type)) {
    const current = await find(session, type, id);
    if (!current || !(await isVisible(session, current))) throw unknown;
  }
  if (!version.body) throw gone(type, id);
  session.notes?.show(version);
  return version as ReadVersion;
}

/** Whether the caller sees a later version, which is the current one. */
async function isEarlier(session: Session, type: string, id: string, versionId: number): Promise<boolean> {
  const current = await find(session, type, id);
  return current !== undefined && current.versionId > versionId && (await isVisible(session, current));
}

/** Of a type that keeps versions; for the server's own rules, so no scope is asked for. */
export async function findVersion(
  session: Session,
  type: string,
  id: string,
  versionId: number,
): Promise<StoredVersion | undefined> {
  const [row] = await session.trx.query<VersionRow>({
    name: 'vread',
    text: `SELECT ${versionColumns} FROM version WHERE type = $1 AND id = $2 AND version_id = $3
           AND last_updated < (SELECT last_updated + interval '1 month' FROM resource WHERE type = $1 AND id = $2)`,
    values: [type, id, versionId],
  });
  return row && (await openVersion({ cipher: session.cipher, objectStore: session.repository.objectStore }, row));
}
