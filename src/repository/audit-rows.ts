// One AuditEvent per change, in the change's own transaction: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent } from '@medplum/fhirtypes';
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
  insertRows(session, rows);
}

/** An event that is no change of a resource. Its id is `newId(session.at.getTime())`. */
export function recordEvent(session: Session, event: AuditEvent & { readonly id: string }): void {
  insertRows(session, [rowOf(session, event)]);
}

function insertRows(session: Session, rows: readonly AuditRow[]): void {
  const [only] = rows;
  if (only && rows.length === 1) {
    session.trx.execute({
      name: 'insert-audit-event',
      text: `INSERT INTO audit_event (last_updated, id, content, tokens)
             SELECT $1::timestamptz, $2::text, $3::bytea, $4::bigint[] WHERE ${hasDefinitions('$5')}`,
      values: [session.at, only.id, only.content, only.tokens, session.definitionsVersion],
    });
    return;
  }
  session.trx.execute({
    name: 'insert-audit-events',
    text: `INSERT INTO audit_event (last_updated, id, content, tokens)
           SELECT $1, id, content, tokens::bigint[]
           FROM unnest($2::text[], $3::bytea[], $4::text[]) AS row (id, content, tokens) WHERE ${hasDefinitions('$5')}`,
    values: [
      session.at,
      rows.map((row) => row.id),
      rows.map((row) => row.content),
      rows.map((row) => row.tokens),
      session.definitionsVersion,
    ],
  });
}

/**
 * Fails where the tenant's search parameters are not those that the session indexes by. Every write has its AuditEvents, so
 * that what they ask costs no statement of its own.
 */
function hasDefinitions(version: string): string {
  return `tenant.require_definitions(${version}::int)`;
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
    patient: patientOf(session, change, change.resource ? entries : deletedEntries(session, change)),
  });
  return rowOf(session, audit);
}

function rowOf(session: Session, audit: AuditEvent & { readonly id: string }): AuditRow {
  const content = session.cipher.seal(Buffer.from(JSON.stringify(audit)), bodyContext(auditEventType, audit.id, 1));
  const tokens = session
    .extract(audit)
    .flatMap((entry) => (entry.kind === 'token' ? [session.cipher.tokenOf(entry.text)] : []));
  return { id: audit.id, content, tokens: `{${tokens.join(',')}}` };
}

/** A deletion has no content of its own and is about what was there. */
function deletedEntries(session: Session, { oldResource }: Change): readonly IndexEntry[] {
  return oldResource ? session.extract(oldResource) : [];
}

/** The patient a resource is about, as far as its own references say, those that R4 has a search parameter for. */
function patientOf({ repository }: Session, { type, id }: Change, entries: readonly IndexEntry[]): string | undefined {
  if (type === 'Patient') return `Patient/${id}`;
  const known = repository.definitions.searchParameters(type);
  for (const entry of entries) {
    if (entry.kind === 'reference' && entry.targetType === 'Patient' && known.has(entry.parameter))
      return `Patient/${entry.targetId}`;
  }
  return undefined;
}
