// Reads a Binary without its content, which may be streamed afterwards: https://hl7.org/fhir/R4/binary.html#rest

import { requirePermission } from '../access/may.ts';
import type { Statement } from '../database/statement.ts';
import { isId } from '../fhir/ids.ts';
import { gone, notFound } from '../fhir/outcome.ts';
import { type BinaryHead, openContent } from './binary-content.ts';
import { binaryJson } from './binary-json.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { openBinaryHead, openWithoutData, type VersionRow, versionColumns } from './stored-version.ts';
import { isVisible } from './visible.ts';

const versionSyntax = /^[1-9][0-9]{0,8}$/;

export interface OpenBinary extends BinaryHead {
  readonly id: string;
  readonly versionId: number;
  readonly lastUpdated: Date;
  /** The content as it is; needs no transaction any more. */
  bytes(): AsyncGenerator<Buffer, void>;
  /** The resource as FHIR JSON with its `data`. */
  text(): AsyncGenerator<Buffer, void>;
}

/**
 * The current version, or the one that is named. Throws 404 when there is none in this tenant or its securityContext is out
 * of the caller's reach (security.md 110), 410 when it was deleted.
 */
export async function openBinary(session: Session, id: string, versionId?: string): Promise<OpenBinary> {
  requirePermission(session.caller, 'r', 'Binary');
  const unknown = notFound('Binary', versionId === undefined ? id : `${id}/_history/${versionId}`);
  if (!isId(id) || (versionId !== undefined && !versionSyntax.test(versionId))) throw unknown;
  const [row] = await session.trx.query<VersionRow>(versionId === undefined ? current(id) : version(id, versionId));
  if (!row) throw unknown;
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const stored = await openWithoutData(reader, row);
  if (!(await isVisible(session, stored))) throw unknown;
  if (row.deleted) throw gone('Binary', id);
  if (versionId !== undefined && rowsOf(session, 'r', 'Binary')) await requireVisible(session, id);
  const head = openBinaryHead(session, row);
  session.notes?.show(stored);
  return {
    ...head,
    id,
    versionId: row.version_id,
    lastUpdated: row.last_updated,
    bytes: () => (head.content ? openContent(reader, head.content) : none()),
    text: () => binaryJson(reader, head),
  };
}

/** Throws 404 for a Binary that is out of the caller's reach, and for nothing else. */
export async function requireVisible(session: Session, id: string): Promise<void> {
  const [row] = await session.trx.query<VersionRow>(current(id));
  if (!row || (row.deleted && !rowsOf(session, 'r', 'Binary'))) return;
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  if (!(await isVisible(session, await openWithoutData(reader, row)))) throw notFound('Binary', id);
}

function current(id: string): Statement {
  return {
    name: 'read-binary',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Binary' AND id = $1`,
    values: [id],
  };
}

/** A version of the current month or an earlier one: see vread.ts. */
function version(id: string, versionId: string): Statement {
  return {
    name: 'vread-binary',
    text: `SELECT ${versionColumns} FROM version WHERE type = 'Binary' AND id = $1 AND version_id = $2
           AND last_updated < (SELECT last_updated + interval '1 month' FROM resource WHERE type = 'Binary' AND id = $1)`,
    values: [id, Number(versionId)],
  };
}

async function* none(): AsyncGenerator<Buffer, void> {}
