// An Appointment and its Encounter move together over HTTP, whichever of them is written (contract.md 13, 14; domain.md SM-1).

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Encounter } from '@medplum/fhirtypes';
import type { WriteIntent } from '../../src/repository/change.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import {
  leftBeforeSeen,
  pastOf,
  queueNumberOf,
  requireStatus,
  type Stored,
  someReason,
  WaitingRoom,
} from '../clinic/visits/waiting-room.ts';
import { runSql } from '../jobs/job-bed.ts';
import { buildTransaction } from '../support/builders.ts';
import { send, startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { clientOf } from './clients.ts';

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

async function fulfilledEvents({ id }: { readonly id: string }): Promise<number> {
  const text = 'SELECT FROM store.outbox WHERE topic = $1 AND resource_id = $2';
  return (await runSql(server.database.url, text, ['appointment.fulfilled', id])).length;
}

const setting = (key: string, value: unknown) =>
  send(`${server.origin}/t/clinic-a/admin/settings/${key}`, 'PUT', JSON.stringify({ value }), {
    Authorization: `Bearer ${server.a.token}`,
    'Content-Type': 'application/json',
  }).then((answer) => requireStatus(answer, 200));

const expectRefusal = ({ status, json }: TestResponse, expected: number, code = 'business-rule') => {
  expect([status, json.issue?.[0]?.code]).toEqual([expected, code]);
};

describe('an Appointment brings its Encounter', () => {
  test('at arrived, with what contract.md 14 names', async () => {
    const appointment = await room.booked(doctor);
    expect(await room.encounterOf(appointment)).toBeUndefined();
    const encounter = await room.moved(appointment, 'arrived');
    const { meta } = await room.appointmentNow(appointment);
    expect(encounter).toMatchObject({
      status: 'arrived',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      subject: { reference: room.patient },
      participant: [{ individual: { reference: doctor } }],
      appointment: [{ reference: `Appointment/${appointment.id}` }],
      statusHistory: [{ status: 'arrived', period: { start: meta?.lastUpdated } }],
      period: { start: meta?.lastUpdated },
    });
  });

  test.each([
    ['checked-in', 'arrived', ['arrived']],
    ['fulfilled', 'finished', ['arrived', 'finished']],
  ] as const)('at %s, which it may jump to: the arrival is implied (domain.md, rulings)', async (to, status, past) => {
    const encounter = await room.moved(await room.booked(doctor), to);
    expect(encounter.status).toBe(status);
    expect(pastOf(encounter)).toEqual(past);
  });

  test.each([
    ['arrived', 'arrived'],
    ['checked-in', 'arrived'],
    ['fulfilled', 'finished'],
  ] as const)('when it is %s from the start, as imports are: contract.md 5', async (status, expected) => {
    const encounter = await room.requiredEncounterOf(await room.booked(doctor, { status }));
    expect(encounter.status).toBe(expected);
  });

  test.each(['proposed', 'pending', 'booked', 'waitlist', 'cancelled', 'noshow'] as const)(
    'not while it is %s',
    async (status) => {
      const cancelationReason = status === 'cancelled' ? { cancelationReason: someReason } : {};
      expect(await room.encounterOf(await room.booked(doctor, { status, ...cancelationReason }))).toBeUndefined();
    },
  );

  test('with its place, visit type and urgency', async () => {
    const { json: location } = await server.a.request('POST', '/Location', { resourceType: 'Location', name: 'Room' });
    const appointmentType = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0276', code: 'EMERGENCY' }],
    };
    const { participant } = room.appointment(doctor);
    const actor = { reference: `Location/${location.id}` };
    const appointment = await room.booked(doctor, {
      status: 'arrived',
      appointmentType,
      participant: [...participant, { actor, status: 'accepted' }],
    });
    expect(await room.encounterOf(appointment)).toMatchObject({
      type: [appointmentType],
      priority: { coding: [{ code: 'EM' }] },
      location: [{ location: actor }],
    });
  });

  test('and takes it along to its end: finished, or cancelled where the patient was never seen', async () => {
    const seen = await room.booked(doctor);
    expect((await room.moved(seen, 'arrived', 'checked-in', 'fulfilled')).status).toBe('finished');
    const gone = await room.booked(doctor);
    await room.moved(gone, 'arrived');
    requireStatus(await room.move(gone, 'noshow', leftBeforeSeen), 200);
    const cancelled = await room.booked(doctor);
    await room.moved(cancelled, 'checked-in');
    requireStatus(await room.move(cancelled, 'cancelled', someReason), 200);
    for (const appointment of [gone, cancelled]) {
      const encounter = await room.requiredEncounterOf(appointment);
      expect(encounter).toMatchObject({ status: 'cancelled', period: { end: expect.any(String) } });
    }
  });

  test('and the same status again does nothing: no version of the Encounter, no event', async () => {
    const appointment = await room.booked(doctor);
    await room.moved(appointment, 'checked-in', 'fulfilled');
    const encounter = await room.moved(appointment, 'fulfilled', 'fulfilled');
    expect(encounter.meta?.versionId).toBe('2');
    expect(await fulfilledEvents(appointment)).toBe(1);
  });

  test('and hands it over with other practitioners', async () => {
    const other = await room.practitioner();
    const appointment = await room.booked(doctor, { status: 'arrived' });
    const { participant } = room.appointment(other);
    requireStatus(await room.put({ ...appointment, participant }), 200);
    expect((await room.encounterOf(appointment))?.participant).toEqual([{ individual: { reference: other } }]);
  });
});

describe('an Encounter takes its Appointment along', () => {
  const encounterFor = (appointment: { readonly id: string }, status: Encounter['status']): Encounter => ({
    resourceType: 'Encounter',
    status,
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: { reference: room.patient },
    appointment: [{ reference: `Appointment/${appointment.id}` }],
  });

  test.each([
    ['planned', 'booked'],
    ['arrived', 'arrived'],
    ['triaged', 'arrived'],
    ['in-progress', 'arrived'],
    ['finished', 'fulfilled'],
    ['cancelled', 'cancelled'],
  ] as const)('%s: a booked Appointment becomes %s', async (status, expected) => {
    const appointment = await room.booked(doctor);
    const { json } = requireStatus(
      await server.a.request('POST', '/Encounter', encounterFor(appointment, status)),
      201,
    );
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: expected });
    expect((await room.requiredEncounterOf(appointment)).id).toBe(json.id);
  });

  test.each(['PUT', 'PATCH'])('finished by %s: fulfilled, once, with one event', async (method) => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    requireStatus(await room.moveEncounter(encounter, 'in-progress'), 200);
    const current = await room.requiredEncounterOf(appointment);
    const answer = await (method === 'PATCH'
      ? room.moveEncounter(encounter, 'finished')
      : room.put({ ...current, status: 'finished' }));
    expect(requireStatus(answer, 200).json).toMatchObject({ status: 'finished' });
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'fulfilled' });
    expect(await fulfilledEvents(appointment)).toBe(1);
    requireStatus(await room.moveEncounter(encounter, 'finished'), 200);
    requireStatus(await room.move(appointment, 'fulfilled'), 200);
    expect(await fulfilledEvents(appointment)).toBe(1);
    expect((await room.versions<Encounter>('Encounter', encounter.id)).map(({ status }) => status)).toEqual([
      ...['arrived', 'in-progress', 'finished', 'finished'],
    ]);
  });

  test('in progress leaves it checked in: R4 has no status for being seen', async () => {
    const appointment = await room.booked(doctor);
    requireStatus(await room.moveEncounter(await room.moved(appointment, 'checked-in'), 'in-progress'), 200);
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'checked-in' });
  });

  test('and there is one only: a second is 409, also of the same bundle', async () => {
    const appointment = await room.booked(doctor);
    await room.moved(appointment, 'arrived');
    expectRefusal(await server.a.request('POST', '/Encounter', encounterFor(appointment, 'planned')), 409, 'conflict');
    const other = await room.booked(doctor);
    const both = buildTransaction([encounterFor(other, 'planned'), encounterFor(other, 'planned')]);
    expectRefusal(await server.a.request('POST', '', both), 409, 'conflict');
    expect(await room.encounterOf(other)).toBeUndefined();
  });

  test('stays with it', async () => {
    const appointment = await room.booked(doctor, { status: 'arrived' });
    const { appointment: _, ...without } = await room.requiredEncounterOf(appointment);
    expectRefusal(await room.put(without), 422);
  });

  test.each(['booked', 'cancelled', 'fulfilled', 'noshow', 'entered-in-error'] as const)(
    'and makes no new one for an Appointment that comes after it: %s',
    async (status) => {
      const id = `late-${status}`;
      const first = { ...encounterFor({ id }, 'planned') };
      const { json } = requireStatus(await server.a.request('POST', '/Encounter', first), 201);
      const reason = status === 'cancelled' ? { cancelationReason: someReason } : {};
      requireStatus(await room.put({ ...room.appointment(doctor), id, status, ...reason }), 201);
      const expected = {
        ...{ booked: 'planned', cancelled: 'cancelled', fulfilled: 'finished', noshow: 'cancelled' },
        'entered-in-error': 'entered-in-error',
      };
      expect(await room.encounterOf({ id })).toMatchObject({ id: json.id, status: expected[status] });
    },
  );

  test('that was imported after it and is behind catches up', async () => {
    const id = 'behind';
    requireStatus(await server.a.request('POST', '/Encounter', encounterFor({ id }, 'finished')), 201);
    requireStatus(await room.put({ ...room.appointment(doctor), id, status: 'arrived' }), 201);
    expect(await room.appointmentNow({ id })).toMatchObject({ status: 'fulfilled' });
    expect(await fulfilledEvents({ id })).toBe(1);
  });

  test('of the same bundle meets it in any combination that can be true', async () => {
    const pairs: [Appointment['status'], Encounter['status'], Appointment['status'], Encounter['status']][] = [
      ['booked', 'finished', 'fulfilled', 'finished'],
      ['arrived', 'finished', 'fulfilled', 'finished'],
      ['fulfilled', 'finished', 'fulfilled', 'finished'],
      ['fulfilled', 'in-progress', 'fulfilled', 'finished'],
      ['arrived', 'triaged', 'arrived', 'triaged'],
      ['booked', 'planned', 'booked', 'planned'],
      ['noshow', 'planned', 'noshow', 'cancelled'],
    ];
    for (const [status, encounterStatus, expected, expectedEncounter] of pairs) {
      const id = '0a0b0c0d-0000-4000-8000-000000000001';
      const visit: Appointment = { ...room.appointment(doctor, { status }), id };
      const encounter = encounterFor({ id: '' }, encounterStatus);
      encounter.appointment = [{ reference: `urn:uuid:${id}` }];
      const { json } = requireStatus(await server.a.request('POST', '', buildTransaction([visit, encounter])), 200);
      const appointmentId = json.entry[0].resource.id;
      expect(await room.appointmentNow({ id: appointmentId })).toMatchObject({ status: expected });
      const { id: encounterId, ...stored } = await room.requiredEncounterOf({ id: appointmentId });
      expect(stored).toMatchObject({ status: expectedEncounter });
      expect(await fulfilledEvents({ id: appointmentId })).toBe(expected === 'fulfilled' ? 1 : 0);
      const versions = await room.versions<Appointment>('Appointment', appointmentId);
      expect(versions).toHaveLength(status === expected ? 1 : 2);
      expect(await room.versions('Encounter', encounterId)).toHaveLength(encounterStatus === expectedEncounter ? 1 : 2);
    }
  });

  test('and not where both cannot be true: 422, and nothing is stored', async () => {
    const id = '0a0b0c0d-0000-4000-8000-000000000002';
    const encounter = encounterFor({ id: '' }, 'finished');
    encounter.appointment = [{ reference: `urn:uuid:${id}` }];
    const visit = room.appointment(doctor, { status: 'cancelled', cancelationReason: someReason });
    expectRefusal(await server.a.request('POST', '', buildTransaction([{ ...visit, id }, encounter])), 422);
    const gone = await room.booked(doctor, { status: 'noshow' });
    expectRefusal(await server.a.request('POST', '/Encounter', encounterFor(gone, 'arrived')), 422);
    expect(await room.encounterOf(gone)).toBeUndefined();
  });

  test('in PUTs of one bundle', async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    const current = await room.appointmentNow(appointment);
    const entry = [
      { ...current, status: 'fulfilled' as const },
      { ...encounter, status: 'finished' as const },
    ].map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
    requireStatus(await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }), 200);
    expect(await fulfilledEvents(appointment)).toBe(1);
    expect(await room.requiredEncounterOf(appointment)).toMatchObject({ status: 'finished', meta: { versionId: '2' } });
  });
});

describe('the steps of an Appointment', () => {
  test('cancelled needs a cancelationReason (contract.md 13), but from the start, as imports are (5)', async () => {
    const appointment = await room.booked(doctor);
    expectRefusal(await room.move(appointment, 'cancelled'), 422);
    const imported = room.appointment(doctor, { status: 'cancelled' });
    requireStatus(await server.a.request('POST', '/Appointment', imported), 201);
  });

  test.each(['arrived', 'checked-in'] as const)('%s becomes noshow with left-before-seen only', async (status) => {
    const appointment = await room.booked(doctor, { status });
    expectRefusal(await room.move(appointment, 'noshow'), 422);
    expectRefusal(await room.move(appointment, 'noshow', someReason), 422);
    requireStatus(await room.move(appointment, 'noshow', leftBeforeSeen), 200);
  });

  test.each(['arrived', 'checked-in'] as const)('%s is no noshow any more once in progress', async (status) => {
    const appointment = await room.booked(doctor, { status });
    requireStatus(await room.moveEncounter(await room.requiredEncounterOf(appointment), 'in-progress'), 200);
    expectRefusal(await room.move(appointment, 'noshow', leftBeforeSeen), 422);
  });

  test('fulfilled, noshow and cancelled end it, but for entered-in-error', async () => {
    for (const status of ['fulfilled', 'noshow', 'cancelled'] as const) {
      const cancelationReason = status === 'cancelled' ? { cancelationReason: someReason } : {};
      const appointment = await room.booked(doctor, { status, ...cancelationReason });
      for (const to of ['booked', 'arrived', 'fulfilled', 'noshow', 'cancelled'] as const) {
        if (to === status) continue;
        const operations: object[] = [{ op: 'replace', path: '/status', value: to }];
        const isOver = to === 'cancelled' || to === 'noshow';
        // app-4: the others have no reason.
        if (status === 'cancelled' && !isOver) operations.push({ op: 'remove', path: '/cancelationReason' });
        if (status !== 'cancelled' && isOver) expectRefusal(await room.move(appointment, to, someReason), 422);
        else expectRefusal(await room.patch(appointment, operations), 422);
      }
    }
  });

  test('entered-in-error takes the Encounter along, and ends both', async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'fulfilled', 'entered-in-error');
    expect(encounter.status).toBe('entered-in-error');
    expectRefusal(await room.move(appointment, 'booked'), 422);
    const other = await room.booked(doctor, { status: 'arrived' });
    requireStatus(await room.moveEncounter(await room.requiredEncounterOf(other), 'entered-in-error'), 200);
    expect(await room.appointmentNow(other)).toMatchObject({ status: 'entered-in-error' });
  });
});

describe('entered in error', () => {
  test('is for clinic administrators to say, and for systems that no role limits', async () => {
    const scope = 'system/Appointment.crus system/Encounter.crus';
    const [desk, system] = [
      await clientOf(server, server.a, scope, ['front-desk']),
      await clientOf(server, server.a, scope),
    ];
    const appointment = await room.booked(doctor, { status: 'arrived' });
    const encounter = await room.requiredEncounterOf(appointment);
    const wrong = [appointment, encounter].map((one) => ({ ...one, status: 'entered-in-error' }));
    for (const one of wrong) {
      expectRefusal(await desk.request('PUT', `/${one.resourceType}/${one.id}`, one), 403, 'forbidden');
    }
    requireStatus(await system.request('PUT', `/Encounter/${encounter.id}`, wrong[1]), 200);
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'entered-in-error' });
  });
});

describe('the steps of an Encounter', () => {
  test('go forward only: 422', async () => {
    const order = ['arrived', 'triaged', 'in-progress', 'onleave', 'in-progress', 'finished'] as const;
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'arrived');
    for (const [index, status] of order.entries()) {
      requireStatus(await room.moveEncounter(encounter, status), 200);
      if (status === 'onleave') continue;
      for (const before of order.slice(0, index).filter((one) => one !== status && one !== 'onleave')) {
        expectRefusal(await room.moveEncounter(encounter, before), 422);
      }
    }
    expectRefusal(await room.moveEncounter(encounter, 'cancelled'), 422);
  });

  test('of no Appointment are its own', async () => {
    const encounter = {
      resourceType: 'Encounter' as const,
      id: 'of-none',
      status: 'finished' as const,
      class: { code: 'IMP' },
      statusHistory: [{ status: 'planned' as const, period: { start: '2020-01-01' } }],
      extension: [{ url: 'https://hpms.example/fhir/StructureDefinition/queue-number', valueInteger: 3 }],
    };
    const { json } = requireStatus(await room.put(encounter), 201);
    expect({ ...json, meta: undefined }).toEqual({ ...encounter, meta: undefined });
    requireStatus(await room.moveEncounter(encounter, 'planned'), 200);
  });
});

describe('the history of a visit', () => {
  test('is the same in both: each status of the Appointment is in statusHistory from the time of its version on', async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'arrived', 'checked-in');
    for (const status of ['triaged', 'in-progress', 'finished'] as const) {
      requireStatus(await room.moveEncounter(encounter, status), 200);
    }
    const appointments = await room.versions<Appointment>('Appointment', appointment.id);
    const encounters = await room.versions<Encounter>('Encounter', encounter.id);
    expect(appointments.map(({ status }) => status)).toEqual(['booked', 'arrived', 'checked-in', 'fulfilled']);
    const { statusHistory = [] } = encounters.at(-1)!;
    const begun = encounters.filter(({ status }, index) => status !== encounters[index - 1]?.status);
    expect(statusHistory.map(({ status, period }) => [status, period.start])).toEqual(
      begun.map(({ status, meta }) => [status, meta?.lastUpdated]),
    );
    expect(statusHistory.map(({ period }) => period.end)).toEqual([
      ...statusHistory.slice(1).map(({ period }) => period.start),
      undefined,
    ]);
    const timeOf = (status: Appointment['status']) =>
      appointments.find((version) => version.status === status)?.meta?.lastUpdated;
    expect(statusHistory[0]?.period.start).toBe(timeOf('arrived'));
    expect(statusHistory.at(-1)?.period.start).toBe(timeOf('fulfilled'));
  });

  test("is the server's: what a client sends or leaves out of it changes nothing", async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'arrived');
    const forged = [{ status: 'finished' as const, period: { start: '2001-01-01' } }];
    const { statusHistory: _, period: __, ...without } = encounter;
    for (const sent of [{ ...encounter, statusHistory: forged }, without]) {
      const { json } = requireStatus(await room.put(sent), 200);
      expect([json.statusHistory, json.period]).toEqual([encounter.statusHistory, encounter.period]);
    }
  });

  test('that a system brings with its Encounter stays', async () => {
    const period = { start: '2023-05-01T08:00:00Z', end: '2023-05-01T09:00:00Z' };
    const past = [{ status: 'arrived' as const, period: { start: period.start, end: '2023-05-01T08:20:00Z' } }];
    const appointment = await room.booked(doctor);
    const { json } = await server.a.request('POST', '/Encounter', {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, period, statusHistory: past },
      appointment: [{ reference: `Appointment/${appointment.id}` }],
    });
    expect(json.statusHistory).toEqual([...past, { status: 'finished', period: { start: period.end } }]);
    expect(json.period).toEqual(period);
  });
});

describe('rights', () => {
  const asProvider = (fhirUser: string, ...intents: WriteIntent[]) => {
    const grants = (['Appointment', 'Encounter'] as const).map((type) => ({
      ...{ context: 'user' as const, type, permissions: new Set(['c', 'r', 'u', 's'] as const), isOwn: true as const },
    }));
    const kind = { tenantId: server.a.id, clientId: 'desk', kind: 'staff' as const, agent: { display: 'Provider' } };
    return inSession(server.app.repository, { ...kind, roles: new Set(['provider']), grants, fhirUser }, (session) =>
      write(session, intents),
    );
  };

  test('on some rows do not reach the Appointments of others by way of an Encounter', async () => {
    const other = await room.practitioner();
    const [own, foreign] = [await room.booked(doctor), await room.booked(other)];
    const finished = (id: string): WriteIntent => ({
      action: 'create',
      resource: {
        ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' } },
        participant: [{ individual: { reference: doctor } }],
        appointment: [{ reference: `Appointment/${id}` }],
      },
    });
    await expect(asProvider(doctor, finished(foreign.id))).rejects.toMatchObject({ status: 403 });
    expect(await room.appointmentNow(foreign)).toMatchObject({ status: 'booked' });
    await asProvider(doctor, finished(own.id));
    expect(await room.appointmentNow(own)).toMatchObject({ status: 'fulfilled' });
  });

  test('of who may write Encounters, or Appointments, are enough for both halves to move', async () => {
    const [desk, ward] = [
      await clientOf(server, server.a, 'system/Appointment.crus'),
      await clientOf(server, server.a, 'system/Encounter.crus'),
    ];
    const appointment = await room.booked(doctor);
    requireStatus(
      await desk.request('PUT', `/Appointment/${appointment.id}`, { ...appointment, status: 'arrived' }),
      200,
    );
    const encounter = await room.requiredEncounterOf(appointment);
    requireStatus(await ward.request('PUT', `/Encounter/${encounter.id}`, { ...encounter, status: 'finished' }), 200);
    expect(await room.appointmentNow(appointment)).toMatchObject({ status: 'fulfilled' });
  });
});

describe('what is deleted', () => {
  test('leaves the Appointment with an Encounter to come, which has the number it had', async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    requireStatus(await server.a.request('DELETE', `/Encounter/${encounter.id}`), 204);
    const next = await room.moved(appointment, 'fulfilled');
    expect([next.status, queueNumberOf(next), next.id === encounter.id]).toEqual(['finished', 1, false]);
  });

  test('and comes again is the same visit', async () => {
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'checked-in');
    requireStatus(await server.a.request('DELETE', `/Appointment/${appointment.id}`), 204);
    requireStatus(await room.moveEncounter(encounter, 'in-progress'), 200);
    requireStatus(await room.put({ ...appointment, status: 'fulfilled' }), 200, 201);
    expect(await room.encounterOf(appointment)).toMatchObject({ id: encounter.id, status: 'finished' });
  });
});

describe('a walk-in', () => {
  test('comes booked and arrived in one bundle, with an Encounter of its own or without', async () => {
    const id = '0a0b0c0d-0000-4000-8000-000000000003';
    const appointmentType = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0276', code: 'WALKIN' }] };
    for (const encounters of [[], [{ status: 'arrived' as const }]]) {
      const visit = { ...room.appointment(doctor, { status: 'arrived', appointmentType }), id };
      const resources = encounters.map(
        ({ status }): Encounter => ({
          ...{ resourceType: 'Encounter', status, class: { code: 'AMB' } },
          appointment: [{ reference: `urn:uuid:${id}` }],
        }),
      );
      const { json } = requireStatus(await server.a.request('POST', '', buildTransaction([visit, ...resources])), 200);
      const appointment = { id: json.entry[0].resource.id };
      const encounter = await room.moved(appointment, 'checked-in');
      expect(queueNumberOf(encounter)).toBeGreaterThan(0);
    }
  });
});

describe('a clinic may be strict', () => {
  afterEach(async () => {
    await setting('appointment.strict-transitions', false);
    await setting('appointment.earliest-arrival-hours', null);
  });

  test('about steps left out: booked to fulfilled, and fulfilled before it was in progress', async () => {
    const appointment = await room.booked(doctor);
    await setting('appointment.strict-transitions', true);
    expectRefusal(await room.move(appointment, 'fulfilled'), 422);
    expectRefusal(await room.move(await room.booked(doctor, { status: 'proposed' }), 'arrived'), 422);
    const encounter = await room.moved(appointment, 'checked-in');
    expectRefusal(await room.move(appointment, 'fulfilled'), 422);
    expectRefusal(await room.moveEncounter(encounter, 'finished'), 422);
    requireStatus(await room.moveEncounter(encounter, 'in-progress'), 200);
    requireStatus(await room.move(appointment, 'fulfilled'), 200);
    requireStatus(
      await server.a.request('POST', '/Appointment', room.appointment(doctor, { status: 'fulfilled' })),
      201,
    );
  });

  test('about who comes too early', async () => {
    const start = new Date(Date.now() + 5 * 3_600_000).toISOString();
    const end = new Date(Date.now() + 6 * 3_600_000).toISOString();
    const appointment = await room.booked(doctor, { start, end });
    await setting('appointment.earliest-arrival-hours', 4);
    for (const status of ['arrived', 'checked-in', 'fulfilled'] as const) {
      expectRefusal(await room.move(appointment, status), 422);
    }
    await setting('appointment.earliest-arrival-hours', 6);
    requireStatus(await room.move(appointment, 'arrived'), 200);
  });
});

test('another tenant with the same ids has visits of its own', async () => {
  const other = await WaitingRoom.open(server.b);
  const visits: Stored<Appointment>[] = [];
  for (const one of [room, other]) {
    const { id } = requireStatus(await one.put({ ...one.appointment(doctor), id: 'shared-visit' }), 201).json;
    visits.push({ ...(await one.appointmentNow({ id })) });
  }
  await room.moved(visits[0]!, 'arrived');
  expect(await other.encounterOf(visits[1]!)).toBeUndefined();
  await other.moved(visits[1]!, 'checked-in');
  expect(await room.appointmentNow(visits[0]!)).toMatchObject({ status: 'arrived' });
});
