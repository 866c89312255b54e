// What AuditEvents say of content is for those only who may read that content: the JSON Patch of an update is left out for others,
// and the event says so: https://terminology.hl7.org/CodeSystem/v3-ObservationValue (REDACTED)

import type { AuditEvent, AuditEventEntity } from '@medplum/fhirtypes';
import { patchDetail } from '../access/change-audit.ts';
import { may } from '../access/may.ts';
import { auditEventType } from './audit-rows.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { openVersion, type StoredVersion, type VersionRow, versionColumns } from './stored-version.ts';
import { isVisible } from './visible.ts';

/** In the order of the versions; those that nothing is left out of are the same objects. */
export async function redactChanges<Version extends StoredVersion>(
  session: Session,
  versions: readonly Version[],
): Promise<readonly Version[]> {
  const events = new Map(versions.filter(hasPatch).map((version) => [version, eventOf(version)] as const));
  if (events.size === 0) return versions;
  const hidden = await hiddenChanges(session, [...events.values()].flatMap(changedReferences));
  if (hidden.size === 0) return versions;
  return versions.map((version) => {
    const event = events.get(version);
    if (!event || !changedReferences(event).some((reference) => hidden.has(reference))) return version;
    // As what is computed: another caller has another answer at the same version.
    return { ...version, body: Buffer.from(JSON.stringify(redacted(event, hidden))), isComputed: true };
  });
}

/** Nothing is parsed where there cannot be one. */
function hasPatch({ type, body }: StoredVersion): boolean {
  return type === auditEventType && body?.includes(patchDetail) === true;
}

function eventOf({ body }: StoredVersion): AuditEvent {
  return JSON.parse((body as Buffer).toString()) as AuditEvent;
}

/** What those entities say they are about that tell a change. */
function changedReferences({ entity = [] }: AuditEvent): string[] {
  return entity.filter(tellsChange).map(({ what }) => what?.reference ?? '');
}

function tellsChange({ detail = [] }: AuditEventEntity): boolean {
  return detail.some(isPatch);
}

function isPatch({ type, valueBase64Binary }: NonNullable<AuditEventEntity['detail']>[number]): boolean {
  return type === patchDetail && valueBase64Binary !== undefined;
}

function redacted(event: AuditEvent, hidden: ReadonlySet<string>): AuditEvent {
  const entity = event.entity?.map((one) =>
    tellsChange(one) && hidden.has(one.what?.reference ?? '') ? withoutPatch(one) : one,
  );
  return {
    ...event,
    meta: { ...event.meta, security: [...(event.meta?.security ?? []), redactedLabel] },
    ...(entity && { entity }),
  };
}

const redactedLabel = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'REDACTED',
  display: 'redacted',
};

function withoutPatch(entity: AuditEventEntity): AuditEventEntity {
  const valueString = 'Left out: whoever may read this resource is shown what was changed.';
  const detail = entity.detail?.map((one) => (isPatch(one) ? { type: patchDetail, valueString } : one)) ?? [];
  return { ...entity, detail };
}

const versionReference = /^(?<type>[A-Za-z]+)\/(?<id>[A-Za-z0-9\-.]{1,64})\/_history\/(?<versionId>\d{1,9})$/;

interface ChangedVersion {
  readonly reference: string;
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
}

/** Those of the references whose change the caller may not read. */
async function hiddenChanges(session: Session, references: readonly string[]): Promise<Set<string>> {
  const hidden = new Set<string>();
  const asked: ChangedVersion[] = [];
  for (const reference of new Set(references)) {
    const { type, id = '', versionId } = versionReference.exec(reference)?.groups ?? {};
    if (type === undefined || !may(session.caller, 'r', type)) hidden.add(reference);
    // For whom rules are on rows the versions themselves say whether they may be seen.
    else if (type === 'Binary' || rowsOf(session, 'r', type))
      asked.push({ reference, type, id, versionId: Number(versionId) });
  }
  for (const reference of await withHiddenVersions(session, asked)) hidden.add(reference);
  return hidden;
}

/** Old and new values are those of two versions; who may see some rows only must be able to see both, and the current one. */
async function withHiddenVersions(session: Session, asked: readonly ChangedVersion[]): Promise<string[]> {
  if (asked.length === 0) return [];
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const rows = await session.trx.query<VersionRow & { readonly place: number }>({
    name: 'versions-of-changes',
    text: `SELECT changed.place::int AS place, found.*
           FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS changed (type, id, version_id, place)
           CROSS JOIN LATERAL (
             SELECT ${versionColumns} FROM version
             WHERE type = changed.type AND id = changed.id AND version_id IN (changed.version_id - 1, changed.version_id)
               AND last_updated < (SELECT last_updated + interval '1 month' FROM resource
                                   WHERE type = changed.type AND id = changed.id)
             UNION ALL SELECT ${versionColumns} FROM resource WHERE type = changed.type AND id = changed.id) AS found`,
    values: [asked.map(({ type }) => type), asked.map(({ id }) => id), asked.map(({ versionId }) => versionId)],
  });
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  const hidden: string[] = [];
  for (const [index, { reference }] of asked.entries()) {
    const found = byPlace.get(index + 1) ?? [];
    if (found.length < versionsAsked || !(await areVisible(session, reader, found))) hidden.push(reference);
  }
  return hidden;
}

/** That of before, that of after, and the current one. */
const versionsAsked = 3;

async function areVisible(
  session: Session,
  reader: Parameters<typeof openVersion>[0],
  rows: readonly VersionRow[],
): Promise<boolean> {
  for (const row of rows) if (!(await isVisible(session, await openVersion(reader, row)))) return false;
  return true;
}
