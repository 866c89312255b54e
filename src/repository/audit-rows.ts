// One AuditEvent per change, in the change's own transaction: https://hl7.org/fhir/R4/auditevent.html

import { buildChangeAudit } from '../access/audit.ts';
import { newId } from '../fhir/ids.ts';
import type { IndexEntry } from '../search/index-entry.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';
import type { StoredChange } from './store-changes.ts';
import { bodyContext } from './stored-version.ts';
import { takeTurn } from './turn.ts';

export const auditEventType = 'AuditEvent';

export async function recordChanges(session: Session, stored: readonly StoredChange[]): Promise<void> {
  if (stored.length === 0) return;
  const rows: AuditRow[] = [];
  const turn = takeTurn();
  for (const item of stored) {
    rows.push(auditRow(session, item));
    if (turn.isOver()) await turn.next();
  }
  const [only] = rows;
  if (only && rows.length === 1) {
    session.trx.execute({
      name: 'insert-audit-event',
      text: 'INSERT INTO audit_event (last_updated, id, content, tokens) VALUES ($1, $2, $3, $4::bigint[])',
      values: [session.at, only.id, only.content, only.tokens],
    });
    return;
  }
  session.trx.execute({
    name: 'insert-audit-events',
    text: `INSERT INTO audit_event (last_updated, id, content, tokens)
           SELECT $1, id, content, tokens::bigint[]
           FROM unnest($2::text[], $3::bytea[], $4::text[]) AS row (id, content, tokens)`,
    values: [session.at, rows.map((row) => row.id), rows.map((row) => row.content), rows.map((row) => row.tokens)],
  });
}

interface AuditRow {
  readonly id: string;
  readonly content: Buffer;
  readonly tokens: string;
}

function auditRow(session: Session, { change, entries }: StoredChange): AuditRow {
  const { type, id, versionId } = change;
  const audit = buildChangeAudit({
    id: newId(session.at.getTime()),
    recorded: session.at,
    action: change.action,
    caller: session.caller,
    // A deletion is about the version that was deleted: contract.md 46.
    version: `${type}/${id}/_history/${change.action === 'delete' ? versionId - 1 : versionId}`,
    patient: patientOf(type, id, change.resource ? entries : deletedEntries(session, change)),
  });
  const content = session.cipher.seal(Buffer.from(JSON.stringify(audit)), bodyContext(auditEventType, audit.id, 1));
  const tokens = session.repository
    .extract(audit)
    .flatMap((entry) => (entry.kind === 'token' ? [session.cipher.tokenOf(entry.text)] : []));
  return { id: audit.id, content, tokens: `{${tokens.join(',')}}` };
}

/** A deletion has no content of its own and is about what was there. */
function deletedEntries(session: Session, { oldResource }: Change): readonly IndexEntry[] {
  return oldResource ? session.repository.extract(oldResource) : [];
}

/** The patient a resource is about, as far as its own references say. */
function patientOf(type: string, id: string, entries: readonly IndexEntry[]): string | undefined {
  if (type === 'Patient') return `Patient/${id}`;
  const link = entries.find((entry) => entry.kind === 'reference' && entry.targetType === 'Patient');
  return link?.kind === 'reference' ? `Patient/${link.targetId}` : undefined;
}
