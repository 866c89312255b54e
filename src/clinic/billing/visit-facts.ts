// What billing needs to know of a completed Appointment: who, where, in which Encounter, for which departments (contract.md 23).

import type { Appointment, CodeableConcept, Location, PractitionerRole, Reference } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import type { Visit } from './choose-price.ts';
import { localTarget } from './local-target.ts';
import { patientsOfVisit } from './patients-of-visit.ts';

export interface VisitFacts extends Visit {
  readonly patient: Reference | undefined;
  /** `Encounter/id`. */
  readonly encounter: string | undefined;
}

export async function visitFacts(session: Session, appointment: Appointment): Promise<VisitFacts> {
  const { id = '', start, end, appointmentType, serviceType = [], reasonCode = [] } = appointment;
  const practitioners = participantIds(appointment, 'Practitioner');
  const roleIds = participantIds(appointment, 'PractitionerRole');
  const [encounter, roles, locations] = await Promise.all([
    findEncounter(session, id),
    findRoles(session, practitioners, roleIds),
    findLocations(session, participantIds(appointment, 'Location')),
  ]);
  const acting = roles.filter((role) => roleIds.includes(role.id ?? '')).map((role) => role.practitioner);
  const active = roles.filter((role) => role.active !== false).map((role) => role.organization);
  return {
    at: parseDate(end ?? start ?? '', 'instant')?.low ?? session.at.getTime(),
    concepts: [appointmentType ? [appointmentType] : [], [...serviceType, ...reasonCode] as CodeableConcept[]],
    practitioners: new Set([...practitioners.map((one) => `Practitioner/${one}`), ...localReferences(acting)]),
    departments: new Set(localReferences([...locations.map((location) => location.managingOrganization), ...active])),
    patient: patientsOfVisit(appointment)[0],
    encounter: encounter && `Encounter/${encounter}`,
  };
}

/** Who declined took no part (contract.md 11). */
function participantIds({ participant }: Appointment, type: string): string[] {
  const targets = participant.map(({ actor, status }) => (status === 'declined' ? undefined : localTarget(actor)));
  return [...new Set(targets.flatMap((target) => (target?.type === type ? target.id : [])))];
}

function localReferences(references: readonly (Reference | undefined)[]): string[] {
  return references.flatMap((reference) => localTarget(reference)?.reference ?? []);
}

async function findEncounter({ trx }: Session, appointmentId: string): Promise<string | undefined> {
  const [row] = await trx.query<{ source_id: string }>({
    name: 'encounter-of-appointment',
    text: `SELECT source_id FROM reference
           WHERE target_type = 'Appointment' AND target_id = $1 AND source_type = 'Encounter' AND parameter = 'appointment'
           ORDER BY source_id LIMIT 1`,
    values: [appointmentId],
  });
  return row?.source_id;
}

async function findRoles(
  session: Session,
  practitionerIds: readonly string[],
  roleIds: readonly string[],
): Promise<PractitionerRole[]> {
  if (practitionerIds.length === 0 && roleIds.length === 0) return [];
  const rows = await session.trx.query<VersionRow>({
    name: 'roles-of-practitioners',
    text: `SELECT ${versionColumns} FROM resource
           WHERE type = 'PractitionerRole' AND NOT deleted AND id = ANY(ARRAY(
             SELECT source_id FROM reference
             WHERE target_type = 'Practitioner' AND target_id = ANY($1::text[])
               AND source_type = 'PractitionerRole' AND parameter = 'practitioner'
             UNION SELECT unnest($2::text[])))`,
    values: [practitionerIds, roleIds],
  });
  return await openAll<PractitionerRole>(session, rows);
}

async function findLocations(session: Session, ids: readonly string[]): Promise<Location[]> {
  if (ids.length === 0) return [];
  const rows = await session.trx.query<VersionRow>({
    name: 'locations-of-visit',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Location' AND NOT deleted AND id = ANY($1::text[])`,
    values: [ids],
  });
  return await openAll<Location>(session, rows);
}

async function openAll<T>({ cipher, repository }: Session, rows: readonly VersionRow[]): Promise<T[]> {
  const reader = { cipher, objectStore: repository.objectStore };
  const versions = await Promise.all(rows.map((row) => openVersion(reader, row)));
  return versions.flatMap((version) => (parseBody(version) as T | undefined) ?? []);
}
