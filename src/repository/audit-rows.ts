// One AuditEvent per change, in the change's own transaction: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent, Binary, Resource } from '@medplum/fhirtypes';
import { buildChangeAudit } from '../access/change-audit.ts';
import { patientsReferred } from '../access/patients-referred.ts';
import type { Compressed } from '../crypto/sealed-box.ts';
import { newId } from '../fhir/ids.ts';
import { parseReference } from '../fhir/references.ts';
import type { IndexEntry } from '../search/index-entry.ts';
import { groupedTokens } from './audit-tokens.ts';
import type { Change } from './change.ts';
import { changePatch } from './change-patch.ts';
import type { Session } from './session.ts';
import type { StoredChange } from './store-changes.ts';
import { bodyContext } from './stored-version.ts';
import { takeTurn } from './turn.ts';

export const auditEventType = 'AuditEvent';

export async function recordChanges(session: Session, stored: readonly StoredChange[]): Promise<void> {
  if (stored.length === 0) return;
  if (session.notes) session.notes.recorded += stored.length;
  const rows: AuditRow[] = [];
  const turn = takeTurn();
  for (const item of stored) {
    if (turn.isOver()) await turn.next();
    rows.push(changeRow(session, item));
  }
  insertRows(session, rows);
}

/** An event that is no change of a resource. Its id is `newId(session.at.getTime())`. */
export function recordEvent(session: Session, event: AuditEvent & { readonly id: string }): void {
  if (session.notes) session.notes.isTold = true;
  insertRows(session, [auditRow(session, event)]);
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

export interface AuditRow {
  readonly id: string;
  readonly content: Buffer;
  readonly tokens: string;
}

function changeRow(session: Session, { change, entries }: StoredChange): AuditRow {
  const { type, id, versionId, action, resource, oldResource } = change;
  // A deletion is about the version that was deleted: contract.md 46.
  const version = `${type}/${id}/_history/${action === 'delete' ? versionId - 1 : versionId}`;
  const patients = patientsOf(session, change, entries);
  if (action !== 'delete') session.notes?.change(version, patients);
  const audit = buildChangeAudit({
    id: newId(session.at.getTime()),
    recorded: session.at,
    action,
    caller: session.caller,
    version,
    patients,
    ...(resource && oldResource && { patch: changePatch(change) }),
    site: session.repository.site,
  });
  return auditRow(session, audit);
}

export function auditRow(
  session: Pick<Session, 'cipher' | 'extract'>,
  audit: AuditEvent & { readonly id: string },
): AuditRow {
  return sealedRow(session, audit.id, JSON.stringify(audit), groupedTokens(session, audit));
}

/** Of the event's JSON, which may be compressed, and of its tokens as they are stored. */
export function sealedRow(
  { cipher }: Pick<Session, 'cipher'>,
  id: string,
  json: string | Compressed,
  tokens: string,
): AuditRow {
  const context = bodyContext(auditEventType, id, 1);
  if (typeof json !== 'string') return { id, content: cipher.sealCompressed(json, context), tokens };
  return { id, content: cipher.seal(Buffer.from(json), context, 'audit-event'), tokens };
}

/**
 * The patients a resource is or was about, as far as its own references say, those that R4 has a search parameter for: who
 * takes a record from one patient to another has done something with both.
 */
function patientsOf(session: Session, change: Change, entries: readonly IndexEntry[]): readonly string[] {
  const { type, id, resource, oldResource } = change;
  if (type === 'Patient') return [`Patient/${id}`];
  if (type === 'Binary') return [...new Set([...patientProtected(resource), ...patientProtected(oldResource)])];
  const patients = patientsIn(session, type, entries);
  // Extracting costs more than looking: hardly any update changes the patient.
  const isOld = oldResource !== undefined && (!resource || namesOthers(change, patients));
  return isOld ? [...new Set([...patients, ...patientsIn(session, type, session.extract(oldResource))])] : patients;
}

/** As `Patient/id`. */
export function patientsIn({ repository }: Session, type: string, entries: readonly IndexEntry[]): string[] {
  const known = repository.definitions.searchParameters(type);
  const patients = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'reference' && entry.targetType === 'Patient' && known.has(entry.parameter))
      patients.add(`Patient/${entry.targetId}`);
  }
  return [...patients];
}

/** A Binary has no search parameter for it; its text may be very long: https://hl7.org/fhir/R4/binary.html#security-context */
function patientProtected(binary: Resource | undefined): string[] {
  const context = parseReference((binary as Binary | undefined)?.securityContext?.reference ?? '');
  return context.kind === 'resource' && context.type === 'Patient' ? [`Patient/${context.id}`] : [];
}

function namesOthers({ old }: Change, patients: readonly string[]): boolean {
  return old?.body !== undefined && patientsReferred(old.body).some((patient) => !patients.includes(patient));
}
