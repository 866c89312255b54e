// Read: the current version of a resource: https://hl7.org/fhir/R4/http.html#read

import { requirePermission } from '../access/may.ts';
import type { Statement } from '../database/statement.ts';
import { isId, timeOfId } from '../fhir/ids.ts';
import { gone, notFound } from '../fhir/outcome.ts';
import { auditEventType } from './audit-rows.ts';
import { redactChanges } from './redact-changes.ts';
import type { Session } from './session.ts';
import { showComputed } from './show-computed.ts';
import { openVersion, type StoredVersion, type VersionRow, versionColumns } from './stored-version.ts';
import { archivedEvent } from './tell-archived.ts';
import { isPlainlyVisible, isVisible } from './visible.ts';

/** A version with its body. */
export type ReadVersion = StoredVersion & { readonly body: Buffer };

/** Throws 404 when there is none in this tenant, or none that the caller may see, and 410 when it was deleted. */
export async function read(session: Session, type: string, id: string): Promise<ReadVersion> {
  requirePermission(session.caller, 'r', type);
  const version = await find(session, type, id);
  if (!version) throw (type === auditEventType && (await archivedEvent(session, id))) || notFound(type, id);
  if (!isPlainlyVisible(session, version) && !(await isVisible(session, version))) throw notFound(type, id);
  if (!version.body) throw gone(type, id);
  session.notes?.show(version);
  const [shown] = await redactChanges(session, await showComputed(session, [version as ReadVersion]));
  return shown as ReadVersion;
}

/** The current version, a deletion included, or undefined; for the server's own rules, so no scope is asked for. */
export async function find(session: Session, type: string, id: string): Promise<StoredVersion | undefined> {
  const statement = readStatement(type, id);
  if (!statement) return undefined;
  const [row] = await session.trx.query<VersionRow>(statement);
  return row && (await openVersion({ cipher: session.cipher, objectStore: session.repository.objectStore }, row));
}

/** Undefined where no resource can have the id. */
export function readStatement(type: string, id: string): Statement | undefined {
  if (!isId(id)) return undefined;
  return type === auditEventType ? readAuditEvent(id) : readResource(type, id);
}

function readResource(type: string, id: string): Statement {
  return {
    name: 'read',
    text: `SELECT ${versionColumns} FROM resource WHERE type = $1 AND id = $2`,
    values: [type, id],
  };
}

/** An AuditEvent's id carries the time it was recorded, which names its partition. */
function readAuditEvent(id: string): Statement | undefined {
  const recordedMs = timeOfId(id);
  if (recordedMs === undefined) return undefined;
  return {
    name: 'read-audit-event',
    text: `SELECT 'AuditEvent' AS type, id, 1 AS version_id, last_updated, false AS deleted, content, NULL AS object_id
           FROM audit_event WHERE id = $1 AND last_updated = $2`,
    values: [id, new Date(recordedMs)],
  };
}
