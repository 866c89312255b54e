// Where visits take place: the time zone their day is counted in, and their department (contract.md 15, 23).

import type { Location, PractitionerRole, Reference } from '@medplum/fhirtypes';
import { parseReference } from '../../fhir/references.ts';
import { isZoneName, localDate } from '../../fhir/time-zone.ts';
import type { Session } from '../../repository/session.ts';
import { openVersion, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { timezoneUrl } from '../scheduling/canonicals.ts';
import type { AppointmentFacts } from './appointment-facts.ts';

export interface PlaceOfVisit {
  readonly localDate: string | null;
  /** Of the Organization. */
  readonly departmentId: string | null;
}

/** In the order of the visits. */
export async function placesOf(
  session: Session,
  visits: readonly AppointmentFacts[],
  timezone: string,
): Promise<PlaceOfVisit[]> {
  const { locations, roles } = await findPlaces(session, visits);
  return visits.map(({ startAt, locationId, practitioners }) => {
    const location = locations.find(({ id }) => id === locationId);
    const role = roles.find(
      (one) =>
        one.active !== false &&
        one.organization !== undefined &&
        (practitioners.includes(`PractitionerRole/${one.id}`) ||
          practitioners.includes(one.practitioner?.reference ?? '')),
    );
    return {
      localDate: startAt === null ? null : localDate(new Date(startAt), zoneOf(location) ?? timezone),
      departmentId: organizationOf(location?.managingOrganization ?? role?.organization) ?? null,
    };
  });
}

function zoneOf(location: Location | undefined): string | undefined {
  const zone = location?.extension?.find(({ url }) => url === timezoneUrl)?.valueCode;
  return zone !== undefined && isZoneName(zone) ? zone : undefined;
}

function organizationOf(reference: Reference | undefined): string | undefined {
  if (reference?.reference === undefined) return undefined;
  const target = parseReference(reference.reference);
  return target.kind === 'resource' && target.type === 'Organization' ? target.id : undefined;
}

const rolesMax = 500;

async function findPlaces(
  { trx, cipher, repository }: Session,
  visits: readonly AppointmentFacts[],
): Promise<{ readonly locations: readonly Location[]; readonly roles: readonly PractitionerRole[] }> {
  const locationIds = visits.flatMap(({ locationId }) => locationId ?? []);
  const practitioners = visits.flatMap((visit) => visit.practitioners);
  if (locationIds.length === 0 && practitioners.length === 0) return { locations: [], roles: [] };
  const rows = await trx.query<VersionRow>({
    name: 'places-of-visits',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Location' AND id = ANY ($1::text[]) AND NOT deleted
           UNION ALL
           (SELECT ${versionColumns} FROM resource WHERE type = 'PractitionerRole' AND NOT deleted AND id = ANY (ARRAY(
              SELECT source_id FROM reference WHERE source_type = 'PractitionerRole' AND parameter = 'practitioner'
                AND target_type = 'Practitioner' AND target_id = ANY ($2::text[])
              UNION SELECT unnest($3::text[])))
            ORDER BY id LIMIT ${rolesMax})`,
    values: [locationIds, idsOf(practitioners, 'Practitioner'), idsOf(practitioners, 'PractitionerRole')],
  });
  const reader = { cipher, objectStore: repository.objectStore };
  const versions = await Promise.all(rows.map((row) => openVersion(reader, row)));
  const resources = versions.map((version) => parseBody(version) as Location | PractitionerRole);
  return {
    locations: resources.filter((one) => one.resourceType === 'Location'),
    roles: resources.filter((one) => one.resourceType === 'PractitionerRole'),
  };
}

function idsOf(references: readonly string[], type: string): string[] {
  return references.flatMap((one) => (one.startsWith(`${type}/`) ? [one.slice(type.length + 1)] : []));
}
