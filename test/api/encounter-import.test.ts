// Encounters that come from other systems, with and without an Appointment (contract.md 5, 14; https://synthetichealth.github.io/synthea).

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment, Bundle, BundleEntry, Encounter } from '@medplum/fhirtypes';
import { requireStatus, WaitingRoom } from '../clinic/visits/waiting-room.ts';
import { runSql } from '../jobs/job-bed.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const folder = path.join(import.meta.dirname, '../../../shared/data/synthea');
const inFolder = existsSync(folder) ? test : test.skip;

let server: TestServer;
let room: WaitingRoom;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  room = await WaitingRoom.open(server.a);
  doctor = await room.practitioner();
});
afterAll(() => server.close());

const visitsCount = async () => (await runSql(server.database.url, 'SELECT FROM store.visit')).length;
const ambulatory = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };

/** As Synthea writes them: https://github.com/synthetichealth/synthea/wiki/HL7-FHIR */
function syntheaEncounter(id: string, overrides: Partial<Encounter> = {}): BundleEntry<Encounter> {
  const resource: Encounter = {
    resourceType: 'Encounter',
    status: 'finished',
    class: ambulatory,
    type: [{ coding: [{ system: 'http://snomed.info/sct', code: '162673000' }], text: 'General examination' }],
    subject: { reference: room.patient, display: 'Mrs. Eva Muster' },
    participant: [{ individual: { reference: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999' } }],
    period: { start: '2014-03-02T10:00:00-05:00', end: '2014-03-02T10:15:00-05:00' },
    ...overrides,
  };
  return { fullUrl: `urn:uuid:${id}`, resource, request: { method: 'POST', url: 'Encounter' } };
}

const transaction = (entry: BundleEntry[]) =>
  server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry } satisfies Bundle);

beforeAll(async () => {
  const identifier = [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9999' }];
  requireStatus(await server.a.request('POST', '/Practitioner', { resourceType: 'Practitioner', identifier }), 201);
});

const encounterId = 'a0000000-0000-4000-8000-000000000001';
const appointmentId = 'a0000000-0000-4000-8000-000000000002';

describe('an Encounter without an Appointment', () => {
  test('stays as it is sent, whatever its statuses, and is nobody’s visit', async () => {
    const before = await visitsCount();
    const entry = syntheaEncounter(encounterId);
    const { json } = requireStatus(await transaction([entry]), 200);
    const stored = json.entry[0].resource as Encounter;
    const { id: _, meta: __, participant: ___, ...rest } = stored;
    const { participant: ____, ...sent } = entry.resource!;
    expect(rest).toEqual(sent);
    for (const status of ['in-progress', 'planned', 'unknown', 'finished'] as const) {
      requireStatus(await room.moveEncounter({ id: stored.id! }, status), 200);
    }
    expect(await visitsCount()).toBe(before);
  });

  test('may be given one later, and then moves with it', async () => {
    const { json } = requireStatus(await transaction([syntheaEncounter(encounterId, { status: 'in-progress' })]), 200);
    const encounter = json.entry[0].resource;
    const appointment = await room.booked(doctor);
    const linked = { ...encounter, appointment: [{ reference: `Appointment/${appointment.id}` }] };
    requireStatus(await room.put(linked), 200);
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'arrived' });
  });
});

describe('a bundle with an Appointment and its Encounter', () => {
  const appointmentEntry = (overrides: Partial<Appointment>, url = 'Appointment'): BundleEntry => ({
    fullUrl: `urn:uuid:${appointmentId}`,
    resource: { ...room.appointment(doctor), ...overrides },
    request: { method: url === 'Appointment' ? 'POST' : 'PUT', url },
  });

  test('in either order, with times and history of its own, is one visit that was charged once', async () => {
    for (const turn of [(list: BundleEntry[]) => list, (list: BundleEntry[]) => list.toReversed()]) {
      const appointment = [{ reference: `urn:uuid:${appointmentId}` }];
      const entries = [appointmentEntry({ status: 'fulfilled' }), syntheaEncounter(encounterId, { appointment })];
      const { json } = requireStatus(await transaction(turn(entries)), 200);
      const stored = (json as Bundle).entry!.map(({ resource }) => resource!);
      const visit = stored.find((one) => one.resourceType === 'Appointment')!;
      const encounter = await room.requiredEncounterOf({ id: visit.id! });
      expect(encounter).toMatchObject({
        id: stored.find((one) => one.resourceType === 'Encounter')?.id,
        meta: { versionId: '1' },
        period: { start: '2014-03-02T10:00:00-05:00', end: '2014-03-02T10:15:00-05:00' },
        statusHistory: [{ status: 'finished', period: { start: '2014-03-02T10:15:00-05:00' } }],
      });
      const text = 'SELECT FROM store.outbox WHERE event_key = $1';
      expect(await runSql(server.database.url, text, [`appointment.fulfilled-${visit.id}`])).toHaveLength(1);
    }
  });

  test('that names it by a conditional reference is the same', async () => {
    const identifier = [{ system: 'https://ehr.example/appointments', value: '77' }];
    const { json: booked } = await server.a.request('POST', '/Appointment', {
      ...room.appointment(doctor),
      identifier,
    });
    const byIdentifier = [{ reference: 'Appointment?identifier=https://ehr.example/appointments|77' }];
    requireStatus(await transaction([syntheaEncounter(encounterId, { appointment: byIdentifier })]), 200);
    expect(await room.appointmentNow(booked)).toMatchObject({ status: 'fulfilled' });
  });

  test('sent again by conditional update does nothing more', async () => {
    const identifier = [{ system: 'https://ehr.example/appointments', value: '78' }];
    const url = 'Appointment?identifier=https://ehr.example/appointments|78';
    const encounterUrl = 'Encounter?identifier=https://ehr.example/encounters|78';
    const visit = { ...room.appointment(doctor), identifier, status: 'fulfilled' as const };
    const send = () => {
      const encounter = syntheaEncounter(encounterId, {
        identifier: [{ system: 'https://ehr.example/encounters', value: '78' }],
        appointment: [{ reference: `urn:uuid:${appointmentId}` }],
      });
      return transaction([
        { ...appointmentEntry(visit, url), resource: visit },
        { ...encounter, request: { method: 'PUT', url: encounterUrl } },
      ]);
    };
    const first = requireStatus(await send(), 200).json.entry[0].resource;
    const again = requireStatus(await send(), 200).json.entry[0].resource;
    expect(again).toMatchObject({ id: first.id, meta: { versionId: '2' } });
    const encounter = await room.requiredEncounterOf(first);
    expect(await room.versions('Encounter', encounter.id)).toHaveLength(2);
    expect(encounter.statusHistory).toHaveLength(1);
  });
});

inFolder('a record of Synthea is stored with its Encounters as they are', async () => {
  const before = await visitsCount();
  const text = readFileSync(path.join(folder, 'nicholle_crist.json'), 'utf8');
  const bundle = JSON.parse(text) as Bundle;
  const encounters = bundle.entry!.flatMap(({ resource }) =>
    resource?.resourceType === 'Encounter' ? [resource] : [],
  );
  const answer = requireStatus(await server.a.request('POST', '', text), 200).json as Bundle;
  const stored = answer.entry!.flatMap(({ resource }) => (resource?.resourceType === 'Encounter' ? [resource] : []));
  expect(stored.length).toBe(encounters.length);
  expect(stored.map(({ status, period }) => [status, period])).toEqual(
    encounters.map(({ status, period }) => [status, period]),
  );
  expect(stored.filter(({ statusHistory }) => statusHistory)).toEqual([]);
  expect(await visitsCount()).toBe(before);
});

test('a visit that comes as fulfilled without an Encounter was at the time of its Appointment', async () => {
  const [start, end] = ['2014-03-02T10:00:00-05:00', '2014-03-02T10:15:00-05:00'];
  const appointment = await room.booked(doctor, { status: 'fulfilled', start, end });
  expect(await room.requiredEncounterOf(appointment)).toMatchObject({
    ...{ status: 'finished', period: { start, end } },
    statusHistory: [{ status: 'finished', period: { start: end } }],
  });
});
