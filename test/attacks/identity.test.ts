// Attacks 38 to 44 of security.md: emergencies, privileges that are taken, and what is the server's own.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import type { Caller } from '../../src/access/caller.ts';
import { withPurpose } from '../../src/access/purpose-of-use.ts';
import { recordBreakGlass } from '../../src/repository/break-glass.ts';
import { buildPatient } from '../support/builders.ts';
import { found, type OpenedDoors, openAllDoors } from './doors.ts';
import { observation, records } from './records.ts';

let doors: OpenedDoors;
beforeAll(async () => {
  doors = await openAllDoors();
  await doors.store(records);
});
afterAll(() => doors.close());

const statusOf = (work: () => unknown): number => {
  try {
    work();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

describe('attack 38: breaking the glass', () => {
  const nurse = (operations: readonly string[]): Caller =>
    doors.holder('user/Patient.rs', { fhirUser: 'Practitioner/dr2', operations: new Set(operations) });

  test('needs the right, and a purpose that is one', () => {
    expect(statusOf(() => withPurpose(nurse([]), 'BTG'))).toBe(403);
    expect(statusOf(() => withPurpose(nurse(['op:break-glass']), 'btg'))).toBe(400);
    expect(statusOf(() => withPurpose(nurse(['op:break-glass']), ['BTG', 'BTG']))).toBe(400);
    expect(withPurpose(nurse([]), undefined)).not.toHaveProperty('purposeOfUse');
  });

  test('opens reading, and nothing else', async () => {
    const caller = nurse(['op:break-glass']);
    const broken = withPurpose(caller, 'BTG');
    expect((await doors.ask(caller, 'GET', 'Observation/lab-p1')).status).toBe(403);
    expect((await doors.ask(broken, 'GET', 'Observation/lab-p1')).status).toBe(200);
    expect(found(await doors.ask(broken, 'GET', 'Observation?patient=p1'))).toEqual([
      'Observation/lab-p1',
      'Observation/vital-p1',
    ]);
    expect((await doors.ask(broken, 'PUT', 'Observation/lab-p1', observation('lab-p1', 'Patient/p1'))).status).toBe(
      403,
    );
    expect((await doors.ask(broken, 'GET', 'AuditEvent')).status).toBe(403);
  });

  test('leaves a record of its own, and marks each it makes', async () => {
    const broken = withPurpose({ ...doors.all(), operations: new Set(['op:break-glass']) }, 'BTG');
    await recordBreakGlass(doors.opened.repository, broken, { request: 'GET /x', about: 'Patient/p1' });
    await doors.ask(broken, 'POST', 'Observation', { ...observation('new', 'Patient/p1'), id: undefined });
    const { json } = await doors.ask(doors.all(), 'GET', 'AuditEvent?_count=2');
    const events = json.entry.map(({ resource }: { resource: object }) => resource);
    const purposes = events.map(({ agent }: AuditEvent) => agent[0]?.purposeOfUse?.[0]?.coding?.[0]?.code);
    expect(purposes).toEqual(['BTG', 'BTG']);
    expect(events.map(({ type }: { type: { code: string } }) => type.code).sort()).toEqual(['110113', 'rest']);
    for (const event of events) expect(doors.opened.repository.validate(event)).toEqual([]);
    expect(
      json.entry.map(({ resource }: { resource: { entity: object[] } }) => JSON.stringify(resource.entity)).join(),
    ).toContain('Patient/p1');
  });
});

describe('attack 39: records that claim a privilege', () => {
  test('give none: rights come from accounts and clients alone', async () => {
    const caller = doors.holder('user/*.cruds', { fhirUser: 'Practitioner/dr1' });
    const role = {
      resourceType: 'PractitionerRole',
      practitioner: { reference: 'Practitioner/dr1' },
      code: [{ text: 'clinic-admin' }],
    };
    expect((await doors.ask(caller, 'POST', 'PractitionerRole', role)).status).toBe(201);
    const basic = {
      resourceType: 'Basic',
      code: { coding: [{ code: 'access-role' }] },
      author: { reference: 'Practitioner/dr1' },
    };
    expect((await doors.ask(caller, 'POST', 'Basic', basic)).status).toBe(201);
    expect((await doors.ask(caller, 'GET', 'Patient/$explain?name=x')).status).toBe(403);
  });
});

describe('attack 40: what the server owns', () => {
  test('is replaced or refused, never taken', async () => {
    const meta = { versionId: '99', lastUpdated: '1999-01-01T00:00:00Z' };
    const created = await doors.ask(doors.all(), 'POST', 'Patient', { ...buildPatient(), meta });
    expect(created.json.meta.versionId).toBe('1');
    expect(created.json.meta.lastUpdated).not.toContain('1999');
    for (const member of ['tenant', 'account', 'author', '_tenant_id'])
      expect(
        (await doors.ask(doors.all(), 'POST', 'Patient', { ...buildPatient(), [member]: 'x' })).status,
      ).toBeGreaterThanOrEqual(400);
  });
});

describe('attack 41: a create with the id of another resource', () => {
  test('makes a new one', async () => {
    const created = await doors.ask(doors.all(), 'POST', 'Patient', { ...buildPatient(), id: 'p1' });
    expect(created.status).toBe(201);
    expect(created.json.id).not.toBe('p1');
    expect((await doors.ask(doors.all(), 'GET', 'Patient/p1')).json.meta.versionId).toBe('1');
  });
});

describe('attack 42: types that only the server writes', () => {
  test.each([
    ['POST', 'AuditEvent'],
    ['PUT', 'AuditEvent/x'],
    ['DELETE', 'AuditEvent/x'],
    ['PUT', 'Provenance/prov-p1'],
    ['DELETE', 'Provenance/prov-p1'],
    ['POST', 'PaymentNotice'],
    ['DELETE', 'PaymentNotice?_id=x'],
  ] as const)('%s %s, alone and in a transaction', async (method, path) => {
    const [resourceType = '', id] = path.split(/[/?]/);
    const body = method === 'DELETE' ? undefined : { resourceType, ...(id && { id }) };
    expect((await doors.ask(doors.all(), method, path, body)).status).toBe(405);
    const entry = [{ ...(body && { resource: body }), request: { method, url: path } }];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    expect((await doors.ask(doors.all(), 'POST', '', bundle)).status).toBe(405);
  });
});

describe('attack 43: a patch of what is not the client’s', () => {
  test.each([
    [{ op: 'add', path: '/meta/tenant', value: 'b' }],
    [{ op: 'replace', path: '/resourceType', value: 'Patient' }],
    [{ op: 'replace', path: '/id', value: 'p2' }],
  ])('%j', async (operation) => {
    const type = { 'Content-Type': 'application/json-patch+json' };
    const { status } = await doors.ask(doors.all(), 'PATCH', 'Observation/lab-p2', [operation], type);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await doors.ask(doors.all(), 'GET', 'Observation/lab-p2')).json).toMatchObject({
      id: 'lab-p2',
      meta: { versionId: '1' },
    });
  });
});

describe('attack 44: a search in two places', () => {
  test('asks for all of it, and the rights are those of all of it', async () => {
    const caller = doors.holder('patient/*.rs', { patient: 'p1' });
    const query = 'subject=Patient/p1&subject=Patient/p2';
    expect(found(await doors.ask(caller, 'GET', `Observation?${query}`))).toEqual([]);
    expect(
      found(await doors.ask(caller, 'GET', 'Observation?_id=lab-p1,vital-p1,lab-p2&subject=Patient/p2,Patient/p1')),
    ).toEqual(['Observation/lab-p1', 'Observation/vital-p1']);
    const overridden = await doors.ask(caller, 'GET', 'Observation?_method=DELETE&subject=Patient/p2');
    expect(found(overridden)).toEqual(['OperationOutcome/undefined']);
    expect((await doors.ask(doors.all(), 'GET', 'Observation/lab-p2')).status).toBe(200);
  });
});
