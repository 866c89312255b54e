// Queue numbers, the order of a queue, how long it takes, and calling patients in (contract.md 15; domain.md SM-1b, S4-WF2, S4-WF3).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, Bundle, Encounter } from '@medplum/fhirtypes';
import type { Caller } from '../../src/access/caller.ts';
import type { WriteIntent } from '../../src/repository/change.ts';
import { inSession } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import {
  called,
  callsOf,
  own,
  queueNumberOf,
  requireStatus,
  type Stored,
  someReason,
  WaitingRoom,
} from '../clinic/visits/waiting-room.ts';
import { runSql } from '../jobs/job-bed.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
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

const day = '2026-11-23';
/** Checks in and gives the Encounter. */
const waiting = async (practitioner = doctor, overrides: Partial<Appointment> = {}) =>
  room.moved(await room.booked(practitioner, overrides), 'checked-in');
const numbersOf = (encounters: readonly Encounter[]) => encounters.map(queueNumberOf);

async function queue(practitioner = doctor, date = day): Promise<Bundle<Encounter>> {
  const path = `/Encounter/$queue?practitioner=${practitioner}&date=${date}`;
  return requireStatus(await server.a.request('GET', path), 200).json;
}
const idsOf = ({ entry = [] }: Bundle) => entry.map(({ resource }) => resource?.id);
const waitsOf = ({ entry = [] }: Bundle) => entry.map(({ search }) => search?.extension?.[0]?.valueDuration?.value);

async function call(encounter: Stored<Encounter>, at?: Date): Promise<Stored<Encounter>> {
  const { json: current } = await server.a.request('GET', `/Encounter/${encounter.id}`);
  return requireStatus(await room.put(called(current, at)), 200).json;
}

async function thriceCalled(encounter: Stored<Encounter>): Promise<Stored<Encounter>> {
  const now = Date.now();
  for (const ago of [3_000, 2_000]) await call(encounter, new Date(now - ago));
  return await call(encounter, new Date(now - 1_000));
}

describe('a queue number', () => {
  test('is given at check-in, by practitioner and day, from 1', async () => {
    const other = await room.practitioner();
    const [first, second, ofOther] = [await waiting(), await waiting(), await waiting(other)];
    const nextDay = { start: '2026-11-24T09:00:00Z', end: '2026-11-24T09:15:00Z' };
    expect(numbersOf([first, second, ofOther, await waiting(doctor, nextDay)])).toEqual([1, 2, 1, 1]);
  });

  test('is the same whatever a client sends, and stays when one leaves it out', async () => {
    const encounter = await waiting();
    const sent = { ...encounter, extension: [{ url: `${own}queue-number`, valueInteger: 99 }] };
    expect(queueNumberOf(requireStatus(await room.put(sent), 200).json)).toBe(1);
    const { extension: _, ...without } = encounter;
    expect(queueNumberOf(requireStatus(await room.put(without), 200).json)).toBe(1);
    const appointment = await room.booked(doctor);
    const { json } = await server.a.request('POST', '/Encounter', {
      ...{ resourceType: 'Encounter', status: 'arrived', class: { code: 'AMB' }, extension: sent.extension },
      appointment: [{ reference: `Appointment/${appointment.id}` }],
    });
    expect(queueNumberOf(json)).toBeUndefined();
    expect(queueNumberOf(await room.moved(appointment, 'checked-in'))).toBe(2);
  });

  test('is not given to who jumps over the check-in, and none is lost by a write that fails', async () => {
    const jumped = await room.moved(await room.booked(doctor), 'fulfilled');
    const appointment = await room.booked(doctor);
    const resource = { ...appointment, status: 'checked-in' };
    const missing = { resourceType: 'Encounter', status: 'never' };
    const entry = [
      { resource, request: { method: 'PUT', url: `Appointment/${appointment.id}` } },
      { resource: missing, request: { method: 'POST', url: 'Encounter' } },
    ];
    const refused = await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
    expect(refused.status).toBe(422);
    expect(numbersOf([jumped, await room.moved(appointment, 'checked-in')])).toEqual([undefined, 1]);
  });

  test('is given in the order of a bundle', async () => {
    const appointments = [await room.booked(doctor), await room.booked(doctor), await room.booked(doctor)];
    const entry = appointments.map((appointment) => ({
      resource: { ...appointment, status: 'checked-in' },
      request: { method: 'PUT', url: `Appointment/${appointment.id}` },
    }));
    requireStatus(await server.a.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }), 200);
    expect(numbersOf(await Promise.all(appointments.map((one) => room.requiredEncounterOf(one))))).toEqual([1, 2, 3]);
  });

  test('counts the day where the Location is', async () => {
    const { json: location } = await server.a.request('POST', '/Location', {
      resourceType: 'Location',
      name: 'Branch',
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/timezone', valueCode: 'Pacific/Auckland' }],
    });
    const there = { actor: { reference: `Location/${location.id}` }, status: 'accepted' as const };
    const late = { start: '2026-11-23T20:00:00Z', end: '2026-11-23T20:15:00Z' };
    const { participant } = room.appointment(doctor);
    const numbers = [
      await waiting(doctor, late),
      await waiting(doctor, {
        start: '2026-11-23T20:30:00Z',
        end: '2026-11-23T20:45:00Z',
        participant: [...participant, there],
      }),
      await waiting(doctor, { start: '2026-11-23T21:30:00Z', end: '2026-11-23T21:45:00Z' }),
    ];
    expect(numbersOf(numbers)).toEqual([1, 1, 2]);
    expect(idsOf(await queue(doctor, '2026-11-24'))).toEqual([numbers[1]?.id]);
  });

  test('is another one in the queue of another practitioner; the first stays in the history', async () => {
    const other = await room.practitioner();
    await waiting(other);
    await waiting(other);
    await waiting(doctor);
    const encounter = await waiting(doctor);
    const moved = { ...encounter, participant: [{ individual: { reference: other } }] };
    requireStatus(await room.put(moved), 200);
    expect((await room.versions<Encounter>('Encounter', encounter.id)).map(queueNumberOf)).toEqual([2, 2, 3]);
    const versions = await room.versions<Encounter>('Encounter', encounter.id);
    expect(versions.at(-1)?.participant).toEqual(moved.participant);
    expect(idsOf(await queue(other))).toContain(encounter.id);
    expect(idsOf(await queue(doctor))).not.toContain(encounter.id);
  });

  test('is that of whom the patient was handed to before check-in, also where the visit is prolonged meanwhile', async () => {
    const other = await room.practitioner();
    const appointment = await room.booked(doctor);
    const encounter = await room.moved(appointment, 'arrived');
    requireStatus(await room.put({ ...encounter, participant: [{ individual: { reference: other } }] }), 200);
    const { json } = await server.a.request('GET', `/Appointment/${appointment.id}`);
    const end = new Date(Date.parse(json.end) + 300_000).toISOString();
    requireStatus(await room.put({ ...json, end }), 200);
    await room.moved(appointment, 'checked-in');
    expect([idsOf(await queue(doctor)), idsOf(await queue(other))]).toEqual([[], [encounter.id]]);
  });
});

describe('the queue', () => {
  test('is emergencies, then numbers, then who was called three times in vain; by search and by $queue', async () => {
    const [first, second, third] = [await waiting(), await waiting(), await waiting()];
    const priority = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActPriority', code: 'EM' }] };
    requireStatus(await room.put({ ...third, priority }), 200);
    const expected = [third.id, first.id, second.id];
    expect(idsOf(await queue())).toEqual(expected);
    const path = `/Encounter?status=arrived,triaged,in-progress&participant=${doctor}&_sort=queue-position`;
    expect(idsOf((await server.a.request('GET', path)).json)).toEqual(expected);
    await thriceCalled(first);
    expect(idsOf(await queue())).toEqual([third.id, second.id, first.id]);
    expect(idsOf((await server.a.request('GET', path)).json)).toEqual([third.id, second.id, first.id]);
  });

  test('holds who waits with a number and who is being seen, and nobody else', async () => {
    const seen = await waiting();
    requireStatus(await room.moveEncounter(seen, 'in-progress'), 200);
    const triaged = await waiting();
    requireStatus(await room.moveEncounter(triaged, 'triaged'), 200);
    const over = await waiting();
    requireStatus(await room.moveEncounter(over, 'finished'), 200);
    const cancelled = await room.booked(doctor);
    await room.moved(cancelled, 'checked-in');
    requireStatus(await room.move(cancelled, 'cancelled', someReason), 200);
    await room.moved(await room.booked(doctor), 'arrived');
    expect(idsOf(await queue())).toEqual([seen.id, triaged.id]);
  });

  test('takes the planned length of those before, until visits of the day tell how long they take', async () => {
    const encounters = [await waiting(), await waiting(), await waiting()];
    expect(waitsOf(await queue())).toEqual([0, 15, 30]);
    requireStatus(await room.moveEncounter(encounters[0]!, 'in-progress'), 200);
    expect(waitsOf(await queue())).toEqual([0, 15, 30]);
    requireStatus(await room.moveEncounter(encounters[0]!, 'finished'), 200);
    const text = `UPDATE store.visit SET started_at = finished_at - interval '40 minutes' WHERE encounter_id = $1`;
    await runSql(server.database.url, text, [encounters[0]!.id]);
    expect(waitsOf(await queue())).toEqual([0, 40]);
  });

  test('is a searchset of the stored Encounters, by POST as well', async () => {
    const encounter = await waiting();
    const parameter = [
      { name: 'practitioner', valueString: `${server.a.baseUrl}/${doctor}` },
      { name: 'date', valueDate: day },
    ];
    const body = { resourceType: 'Parameters', parameter };
    const { json } = requireStatus(await server.a.request('POST', '/Encounter/$queue', body), 200);
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 1 });
    expect(json.entry).toEqual([
      {
        fullUrl: `${server.a.baseUrl}/Encounter/${encounter.id}`,
        resource: encounter,
        search: {
          extension: [
            {
              url: `${own}estimated-wait`,
              valueDuration: { value: 0, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' },
            },
          ],
          mode: 'match',
        },
      },
    ]);
  });

  test('is empty for who sees nobody, and 400 for what is no practitioner', async () => {
    expect(await queue()).toEqual(expect.not.objectContaining({ entry: expect.anything() }));
    for (const query of ['', '?practitioner=Patient/1', '?practitioner=x', `?practitioner=${doctor}&date=yesterday`]) {
      expect((await server.a.request('GET', `/Encounter/$queue${query}`)).status).toBe(400);
    }
  });

  test.each(['2026', '2026-11'])('is that of a day, not of %s', async (date) => {
    const { status, json } = await server.a.request('GET', `/Encounter/$queue?practitioner=${doctor}&date=${date}`);
    expect([status, json.issue[0].code, json.issue[0].diagnostics]).toEqual([
      ...[400, 'value', 'The queue is that of a day, such as 2026-11-23.'],
    ]);
  });

  test('is for who may search Encounters, and shows those only that the caller may see', async () => {
    await waiting();
    const path = `/Encounter/$queue?practitioner=${doctor}&date=${day}`;
    const other = await clientOf(server, server.a, 'system/Patient.rs');
    expect((await other.request('GET', path)).status).toBe(403);
    const constrained = await clientOf(server, server.a, 'system/Encounter.rs?status=finished');
    expect((await constrained.request('GET', path)).json).toMatchObject({ total: 0 });
    expect((await server.b.request('GET', path)).json).toMatchObject({ total: 0 });
  });
});

describe('a call', () => {
  const nurse = () => clientOf(server, server.a, 'system/Encounter.crus');

  test('is kept with the ones before it, also where a client leaves them out', async () => {
    const encounter = await waiting();
    const first = await call(encounter, new Date(Date.now() - 2_000));
    const again = { ...encounter, extension: called(encounter).extension ?? [] };
    const { json } = requireStatus(await room.put(again), 200);
    expect(callsOf(json)).toEqual([...callsOf(first), ...callsOf(again)]);
    const { extension: _, ...without } = encounter;
    expect(callsOf(requireStatus(await room.put(without), 200).json)).toEqual(callsOf(json));
  });

  test('sent as an instant is one as well', async () => {
    const encounter = await waiting();
    const valueInstant = new Date(Date.now() - 2_000).toISOString();
    const sent = {
      ...encounter,
      extension: [...(encounter.extension ?? []), { url: `${own}called-at`, valueInstant }],
    };
    const { json } = requireStatus(await room.put(sent), 200);
    expect(callsOf(json)).toHaveLength(1);
  });

  test('by another than who called is 409 for who does not know of it, and for who does within ten seconds', async () => {
    const encounter = await waiting();
    await call(encounter, new Date(Date.now() - 2_000));
    const { request } = await nurse();
    const path = `/Encounter/${encounter.id}`;
    expect((await request('PUT', path, called(encounter))).status).toBe(409);
    const { json: current } = await request('GET', path);
    expect((await request('PUT', path, called(current))).status).toBe(409);
    const text = `UPDATE store.visit SET called_at = called_at - interval '11 seconds' WHERE encounter_id = $1`;
    await runSql(server.database.url, text, [encounter.id]);
    expect((await request('PUT', path, called(encounter))).status).toBe(409);
    expect((await request('PUT', path, called(current))).status).toBe(200);
  });

  test('with a version that is no longer current is 412', async () => {
    const encounter = await waiting();
    await call(encounter, new Date(Date.now() - 2_000));
    expect((await room.put(called(encounter), { 'If-Match': `W/"${encounter.meta?.versionId}"` })).status).toBe(412);
  });

  test('is no call of who is being seen or gone, not in the future, not before the last, and one at a time', async () => {
    const encounter = await waiting();
    const at = (ms: number) => called(encounter, new Date(Date.now() + ms));
    expect((await room.put(at(120_000))).status).toBe(422);
    expect((await room.put(called(at(-1_000)))).status).toBe(422);
    requireStatus(await room.put(at(-1_000)), 200);
    expect((await room.put(at(-60_000))).status).toBe(409);
    requireStatus(await room.put({ ...at(0), status: 'in-progress' }), 200);
    expect((await room.put({ ...at(1_000), status: 'in-progress' })).status).toBe(409);
  });
});

describe('one patient at a time', () => {
  const staff = (): Caller => ({
    ...{
      tenantId: server.a.id,
      clientId: 'desk',
      kind: 'staff',
      agent: { display: 'Nurse' },
      roles: new Set(['nurse']),
    },
    grants: [{ context: 'user', type: 'Encounter', permissions: new Set(['r', 'u'] as const) }],
  });
  const to = (status: Encounter['status'], ...encounters: Stored<Encounter>[]) =>
    encounters.map(
      ({ id }): WriteIntent => ({
        ...{ action: 'patch', type: 'Encounter', id },
        apply: ({ resource }) => ({ resource: { ...(resource as Encounter), status } }),
      }),
    );
  const asStaff = (...intents: WriteIntent[]) =>
    inSession(server.app.repository, staff(), (session) => write(session, intents));

  test('is in progress with a practitioner where people say so; systems tell what has happened', async () => {
    const [first, second, third] = [await waiting(), await waiting(), await waiting()];
    await asStaff(...to('in-progress', first));
    await expect(asStaff(...to('in-progress', second))).rejects.toMatchObject({ status: 409 });
    await asStaff(...to('finished', first), ...to('in-progress', second));
    requireStatus(await room.moveEncounter(third, 'in-progress'), 200);
  });

  test('also where two are begun at the same time, or by one write', async () => {
    const encounters = [await waiting(), await waiting()];
    await expect(asStaff(...to('in-progress', ...encounters))).rejects.toMatchObject({ status: 409 });
    const tried = await Promise.allSettled(encounters.map((encounter) => asStaff(...to('in-progress', encounter))));
    expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
