// What the typed rows of visits keep, and when they are written: ids, codes and times, and nothing for a booking.

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Encounter } from '@medplum/fhirtypes';
import { runSql } from '../../jobs/job-bed.ts';
import { buildPractitionerRole } from '../../support/builders.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { called, requireStatus, type Stored, someReason, WaitingRoom } from './waiting-room.ts';

let server: TestServer;
let room: WaitingRoom;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  room = await WaitingRoom.open(server.a);
});
afterAll(() => server.close());
beforeEach(async () => {
  doctor = await room.practitioner();
});

type Row = Record<string, unknown>;

async function rowOf({ id }: { readonly id: string }): Promise<Row | undefined> {
  const text = 'SELECT *, local_date::text, xmin FROM store.visit WHERE appointment_id = $1';
  const [row] = await runSql<Row>(server.database.url, text, [id]);
  return row;
}

const create = async (resource: { readonly resourceType: string }): Promise<string> => {
  const { json } = requireStatus(await server.a.request('POST', `/${resource.resourceType}`, resource), 201);
  return `${resource.resourceType}/${json.id}`;
};
const idOf = (reference: string) => reference.split('/')[1];

test('a visit has who, where, when and how far it is', async () => {
  const department = await create({ resourceType: 'Organization', ...{ name: 'Eyes' } });
  const managingOrganization = { reference: department };
  const location = await create({ resourceType: 'Location', ...{ name: 'Room 7', managingOrganization } });
  const { participant } = room.appointment(doctor);
  const place = { actor: { reference: location }, status: 'accepted' as const };
  const appointment = await room.booked(doctor, { participant: [...participant, place] });
  const encounter = await room.moved(appointment, 'arrived', 'checked-in');
  requireStatus(await room.put(called(encounter)), 200);
  for (const status of ['in-progress', 'finished'] as const) {
    requireStatus(await room.moveEncounter(encounter, status), 200);
  }
  const { statusHistory } = await room.requiredEncounterOf(appointment);
  const [arrived, started, finished] = statusHistory!.map(({ period }) => new Date(period.start!));
  const row = await rowOf(appointment);
  expect(row).toEqual({
    tenant_id: server.a.id,
    appointment_id: appointment.id,
    encounter_id: encounter.id,
    status: 'fulfilled',
    encounter_status: 'finished',
    patient_id: idOf(room.patient),
    practitioners: [doctor],
    practitioner: doctor,
    location_id: idOf(location),
    department_id: idOf(department),
    start_at: new Date(appointment.start!),
    planned_minutes: 15,
    local_date: '2026-11-23',
    queue_number: 1,
    queue_order: 1,
    called_count: 1,
    called_at: expect.any(Date),
    called_by: server.a.clientId,
    arrived_at: arrived,
    started_at: started,
    finished_at: finished,
    xmin: expect.anything(),
  });
});

test('the department is that of the practitioner’s role where the place has none', async () => {
  const [former, department] = [
    await create({ resourceType: 'Organization', ...{ name: 'Ears' } }),
    await create({ resourceType: 'Organization', ...{ name: 'Eyes' } }),
  ];
  await create(buildPractitionerRole(doctor, former, { active: false }));
  await create(buildPractitionerRole(doctor, department));
  const appointment = await room.booked(doctor, { status: 'arrived' });
  expect(await rowOf(appointment)).toMatchObject({ department_id: idOf(department), location_id: null });
});

test('a booking has no row, and neither has one that is moved or planned', async () => {
  const appointment = await room.booked(doctor);
  requireStatus(await room.patch(appointment, [{ op: 'add', path: '/comment', value: 'x' }]), 200);
  expect(await rowOf(appointment)).toBeUndefined();
  requireStatus(await room.move(appointment, 'cancelled', someReason), 200);
  expect(await rowOf(appointment)).toMatchObject({ status: 'cancelled', encounter_id: null, arrived_at: null });
});

test('what changes nothing of a visit writes nothing of it', async () => {
  const appointment = await room.booked(doctor);
  const encounter = await room.moved(appointment, 'checked-in');
  const before = await rowOf(appointment);
  requireStatus(await room.patch(appointment, [{ op: 'add', path: '/comment', value: 'x' }]), 200);
  requireStatus(await room.move(appointment, 'checked-in'), 200);
  const noted: Stored<Encounter> = { ...encounter, reasonCode: [{ text: 'Cough' }] };
  requireStatus(await room.put(noted), 200);
  expect(await rowOf(appointment)).toEqual(before);
});

test('the row and the Encounter follow another patient, another time and another practitioner', async () => {
  const appointment = await room.booked(doctor, { status: 'arrived' });
  const other = await WaitingRoom.open(server.a);
  const colleague = await room.practitioner();
  const { participant } = other.appointment(colleague);
  const times = { start: '2026-11-25T09:00:00Z', end: '2026-11-25T09:40:00Z' };
  requireStatus(await room.put({ ...appointment, ...times, participant }), 200);
  expect(await rowOf(appointment)).toMatchObject({
    ...{ patient_id: idOf(other.patient), practitioner: colleague, local_date: '2026-11-25', planned_minutes: 40 },
  });
  expect(await room.encounterOf(appointment)).toMatchObject({
    ...{ subject: { reference: other.patient }, participant: [{ individual: { reference: colleague } }] },
  });
});

test('a start in a leap second, of which no clock here knows, is that of the next minute in the row', async () => {
  const times = { start: '2016-12-31T23:59:60Z', end: '2017-01-01T00:15:00Z' };
  const appointment = await room.booked(doctor, { status: 'cancelled', cancelationReason: someReason, ...times });
  const row = await rowOf(appointment);
  expect(row).toMatchObject({ local_date: expect.anything(), planned_minutes: 15 });
  expect(new Date(row?.start_at as string).toISOString()).toBe('2017-01-01T00:00:00.000Z');
});
