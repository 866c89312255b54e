// Rights on rows where a row alone does not tell: links, texts that need a look, AuditEvents, checked references.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import type { Caller, Grant, Permission } from '../../src/access/caller.ts';
import { writeSetting } from '../../src/tenants/settings.ts';
import { found, type OpenedDoors, openAllDoors } from '../attacks/doors.ts';
import { observation, records } from '../attacks/records.ts';
import { buildPatient } from '../support/builders.ts';

const longName = 'Abcdefghijklmnopqrst';
const schedules: readonly Resource[] = ['dr1', 'dr2'].flatMap((doctor): Resource[] => [
  { resourceType: 'Schedule', id: doctor, actor: [{ reference: `Practitioner/${doctor}` }] },
  slot(`of-${doctor}`, doctor),
]);

function slot(id: string, schedule: string): Resource {
  return {
    ...{ resourceType: 'Slot', id, status: 'free', schedule: { reference: `Schedule/${schedule}` } },
    ...{ start: '2027-01-04T09:00:00Z', end: '2027-01-04T09:30:00Z' },
  };
}

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
  await doors.store([...records, ...schedules]);
  await doors.store([
    { ...buildPatient({ name: [{ family: `${longName}one` }] }), id: 'long-one' },
    { ...buildPatient({ name: [{ family: `${longName}two` }] }), id: 'long-two' },
    observation('of-long-two', 'Patient/long-two'),
  ]);
});
afterAll(() => doors.close());

const own = (type: string, letters: string): Grant => ({
  ...{ context: 'user', type, permissions: new Set(letters) as ReadonlySet<string> as ReadonlySet<Permission> },
  isOwn: true,
});
const doctor = (...grants: Grant[]): Caller => ({
  ...doors.holder('user/Basic.r', { kind: 'staff', fhirUser: 'Practitioner/dr1' }),
  grants,
});

describe('own by a link', () => {
  test('a Slot is its practitioner’s by its Schedule, to read, find and write', async () => {
    const caller = doctor(own('Slot', 'crus'));
    expect(found(await doors.ask(caller, 'GET', 'Slot'))).toEqual(['Slot/of-dr1']);
    expect((await doors.ask(caller, 'GET', 'Slot?_summary=count')).json.total).toBe(1);
    expect((await doors.ask(caller, 'GET', 'Slot/of-dr1')).status).toBe(200);
    expect((await doors.ask(caller, 'GET', 'Slot/of-dr2')).status).toBe(404);
    expect((await doors.ask(caller, 'POST', 'Slot', slot('new', 'dr1'))).status).toBe(201);
    expect((await doors.ask(caller, 'POST', 'Slot', slot('new', 'dr2'))).status).toBe(403);
    expect((await doors.ask(caller, 'PUT', 'Slot/of-dr1', slot('of-dr1', 'dr2'))).status).toBe(403);
    expect((await doors.ask(caller, 'PUT', 'Slot/of-dr2', slot('of-dr2', 'dr1'))).status).toBe(403);
  });

  test('of a Schedule that is not there is nobody’s', async () => {
    expect((await doors.ask(doctor(own('Slot', 'c')), 'POST', 'Slot', slot('new', 'never-was'))).status).toBe(403);
  });
});

describe('own by a parameter', () => {
  test.each([
    ['Observation', ['Observation/lab-p1']],
    ['Encounter', ['Encounter/visit-p1']],
    ['Appointment', ['Appointment/visit-p1', 'Appointment/visit-p2']],
    ['Practitioner', ['Practitioner/dr1']],
  ])('%s', async (type, expected) => {
    expect(found(await doors.ask(doctor(own(type, 'rs')), 'GET', type))).toEqual(expected);
  });

  test('a type of which nothing is anybody’s own is 403', async () => {
    expect((await doors.ask(doctor(own('ValueSet', 'rs')), 'GET', 'ValueSet')).status).toBe(403);
  });
});

describe('a constraint that no index decides', () => {
  const one = 'user/Patient.rs?family=abcdefghijklmnopqrstone';

  test('is decided on the resources, alone, among others and behind a link', async () => {
    expect(found(await doors.ask(doors.holder(one), 'GET', 'Patient'))).toEqual(['Patient/long-one']);
    expect((await doors.ask(doors.holder(one), 'GET', 'Patient/long-two')).status).toBe(404);
    const both = doors.holder(`${one} user/Patient.rs?_id=p1 user/Observation.rs`);
    expect(found(await doors.ask(both, 'GET', 'Patient'))).toEqual(['Patient/long-one', 'Patient/p1']);
    expect(found(await doors.ask(both, 'GET', 'Observation?subject:Patient.family=Abcdefghijklmnopqrsttwo'))).toEqual(
      [],
    );
    expect(found(await doors.ask(both, 'GET', 'Observation?_id=of-long-two&_include=Observation:subject'))).toEqual([
      'Observation/of-long-two',
    ]);
  });
});

describe('an AuditEvent', () => {
  test('is the patient’s whom it is about', async () => {
    const app = doors.holder('patient/AuditEvent.rs', { patient: 'p1' });
    const { json } = await doors.ask(app, 'GET', 'AuditEvent?_count=500');
    expect(json.entry.length).toBeGreaterThan(5);
    for (const { resource } of json.entry) expect(JSON.stringify(resource.entity)).toContain('"Patient/p1"');
    const all = await doors.ask(doors.all(), 'GET', 'AuditEvent?patient=p2&_count=1');
    const [{ resource: other }] = all.json.entry;
    expect((await doors.ask(app, 'GET', `AuditEvent/${other.id}`)).status).toBe(404);
    expect((await doors.ask(app, 'GET', `AuditEvent/${json.entry[0].resource.id}`)).status).toBe(200);
    expect((await doors.ask(app, 'GET', 'AuditEvent/_history')).status).toBe(403);
  });
});

describe('references that are checked', () => {
  test('resolve to what the caller may see, so that a refusal tells nothing (security.md 3)', async () => {
    await doors.doors.tenantDoor(doors.tenants[0], async (trx) => {
      writeSetting(trx, 'references.check', true);
      await Promise.resolve();
    });
    doors.opened.forget();
    const app = doors.holder('patient/*.cruds', { patient: 'p1' });
    const about = (encounter: string) => ({
      ...observation('new', 'Patient/p1'),
      ...{ id: undefined, encounter: { reference: `Encounter/${encounter}` } },
    });
    const statusOf = async (encounter: string) =>
      (await doors.ask(app, 'POST', 'Observation', about(encounter))).status;
    expect([await statusOf('visit-p1'), await statusOf('visit-p2'), await statusOf('never-was')]).toEqual([
      201, 422, 422,
    ]);
  });
});
