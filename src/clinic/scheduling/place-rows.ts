// Typed rows of places: which Locations are rooms, within which others, and in which zone; kept with Location and Organization.

import type { CodeableConcept, Extension, Location, Organization } from '@medplum/fhirtypes';
import { parseReference } from '../../fhir/references.ts';
import { isZoneName } from '../../fhir/time-zone.ts';
import type { Change } from '../../repository/change.ts';
import type { StoredResource } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { physicalTypeSystem, timezoneUrl } from './canonicals.ts';

interface PlaceRow {
  readonly type: string;
  readonly id: string;
  readonly isRoom: boolean;
  readonly timezone: string | undefined;
  readonly organizationId: string | undefined;
  readonly partOf: string | undefined;
}

/** A place of which nothing is to be known has no row. */
export function storePlaces(changes: readonly Change[], { trx }: Session): void {
  forget(
    trx,
    changes.flatMap(({ oldResource }) => (oldResource && placeOf(oldResource)) ?? []),
  );
  insert(
    trx,
    changes.flatMap(({ resource }) => (resource && placeOf(resource)) ?? []),
  );
}

/** Of what was stored before there were these rows. */
export function restorePlace(resource: StoredResource, { trx }: Session): void {
  const row = placeOf(resource);
  forget(trx, [{ type: resource.resourceType, id: resource.id }]);
  insert(trx, row ? [row] : []);
}

function forget(trx: Session['trx'], replaced: readonly Pick<PlaceRow, 'type' | 'id'>[]): void {
  if (replaced.length === 0) return;
  trx.execute({
    name: 'forget-places',
    text: 'DELETE FROM place WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
    values: [replaced.map(({ type }) => type), replaced.map(({ id }) => id)],
  });
}

function insert(trx: Session['trx'], rows: readonly PlaceRow[]): void {
  if (rows.length === 0) return;
  trx.execute({
    name: 'insert-places',
    text: `INSERT INTO place (type, id, is_room, timezone, organization_id, part_of)
           SELECT * FROM unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::text[])`,
    values: [
      rows.map((row) => row.type),
      rows.map((row) => row.id),
      rows.map((row) => row.isRoom),
      rows.map((row) => row.timezone ?? null),
      rows.map((row) => row.organizationId ?? null),
      rows.map((row) => row.partOf ?? null),
    ],
  });
}

function placeOf(resource: NonNullable<Change['resource']>): PlaceRow | undefined {
  const { id = '', extension, partOf } = resource as Location | Organization;
  const { physicalType, managingOrganization } = resource as Location;
  const row: PlaceRow = {
    type: resource.resourceType,
    id,
    isRoom: isRoom(physicalType),
    timezone: timezoneOf(extension),
    organizationId: idOf(managingOrganization?.reference, 'Organization'),
    partOf: idOf(partOf?.reference, resource.resourceType),
  };
  const { isRoom: room, timezone, organizationId, partOf: whole } = row;
  return room || (timezone ?? organizationId ?? whole) !== undefined ? row : undefined;
}

/** Nobody books a site or a building for oneself (contract.md 11). */
function isRoom(physicalType: CodeableConcept | undefined): boolean {
  return physicalType?.coding?.some(({ system, code }) => system === physicalTypeSystem && code === 'ro') ?? false;
}

function timezoneOf(extensions: readonly Extension[] | undefined): string | undefined {
  const code = extensions?.find(({ url }) => url === timezoneUrl)?.valueCode;
  return code !== undefined && isZoneName(code) ? code : undefined;
}

function idOf(reference: string | undefined, type: string): string | undefined {
  const target = reference === undefined ? undefined : parseReference(reference);
  return target?.kind === 'resource' && target.type === type ? target.id : undefined;
}
