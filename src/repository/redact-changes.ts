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
  if (!versions.some(hasPatch)) return versions;
  const redacted: Version[] = [];
  // One after the other: for whom rules are on rows each may need the versions that it is about.
  for (const version of versions) redacted.push(await redactOne(session, version));
  return redacted;
}

async function redactEvent(session: Session, event: AuditEvent): Promise<AuditEvent> {
  const entity: AuditEventEntity[] = [];
  for (const one of event.entity ?? []) {
    const isHidden = one.detail?.some(isPatch) && !(await mayReadChange(session, one.what?.reference ?? ''));
    entity.push(isHidden ? withoutPatch(one) : one);
  }
  if (entity.every((one, index) => one === event.entity?.[index])) return event;
  return { ...event, meta: { ...event.meta, security: [...(event.meta?.security ?? []), redactedLabel] }, entity };
}

const redactedLabel = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'REDACTED',
  display: 'redacted',
};

async function redactOne<Version extends StoredVersion>(session: Session, version: Version): Promise<Version> {
  if (!hasPatch(version)) return version;
  const event = JSON.parse((version.body as Buffer).toString()) as AuditEvent;
  const shown = await redactEvent(session, event);
  // As what is computed: another caller has another answer at the same version.
  return shown === event ? version : { ...version, body: Buffer.from(JSON.stringify(shown)), isComputed: true };
}

/** Nothing is parsed where there cannot be one. */
function hasPatch({ type, body }: StoredVersion): boolean {
  return type === auditEventType && body?.includes(patchDetail) === true;
}

function isPatch({ type, valueBase64Binary }: NonNullable<AuditEventEntity['detail']>[number]): boolean {
  return type === patchDetail && valueBase64Binary !== undefined;
}

function withoutPatch(entity: AuditEventEntity): AuditEventEntity {
  const valueString = 'Left out: whoever may read this resource is shown what was changed.';
  const detail = entity.detail?.map((one) => (isPatch(one) ? { type: patchDetail, valueString } : one)) ?? [];
  return { ...entity, detail };
}

const versionReference = /^(?<type>[A-Za-z]+)\/(?<id>[A-Za-z0-9\-.]{1,64})\/_history\/(?<versionId>\d{1,9})$/;

/** Old and new values are those of two versions; who may see some rows only must be able to see both, and the current one. */
async function mayReadChange(session: Session, reference: string): Promise<boolean> {
  const { type, id = '', versionId } = versionReference.exec(reference)?.groups ?? {};
  if (type === undefined || !may(session.caller, 'r', type)) return false;
  if (type !== 'Binary' && !rowsOf(session, 'r', type)) return true;
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const rows = await session.trx.query<VersionRow>({
    name: 'versions-of-change',
    text: `SELECT ${versionColumns} FROM version WHERE type = $1 AND id = $2 AND version_id IN ($3::int - 1, $3)
             AND last_updated < (SELECT last_updated + interval '1 month' FROM resource WHERE type = $1 AND id = $2)
           UNION ALL SELECT ${versionColumns} FROM resource WHERE type = $1 AND id = $2`,
    values: [type, id, Number(versionId)],
  });
  if (rows.length < versionsAsked) return false;
  for (const row of rows) if (!(await isVisible(session, await openVersion(reader, row)))) return false;
  return true;
}

/** That of before, that of after, and the current one. */
const versionsAsked = 3;
