// A patient may have two visits at a time, and whoever writes one is told, by every door: contract.md 11, domain.md S2-UC-01.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, BundleEntry } from '@medplum/fhirtypes';
import { buildAppointment, buildPatient, buildPractitioner } from '../../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../../support/server.ts';

const told = 'The patient has another Appointment at this time.';
const outcome = { Prefer: 'return=OperationOutcome' };

let server: TestServer;
let patient: string;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
});
afterAll(() => server.close());
beforeEach(async () => {
  patient = await reference('Patient', buildPatient());
});

async function reference(type: string, resource: object): Promise<string> {
  const { json } = await server.a.request('POST', `/${type}`, resource);
  return `${type}/${json.id}`;
}

/** With a practitioner of its own, from `start` to `end` of one day. */
async function visit(start: string, end: string, overrides: Partial<Appointment> = {}): Promise<Appointment> {
  const practitioner = await reference('Practitioner', buildPractitioner());
  const times = { start: `2026-11-23T${start}:00Z`, end: `2026-11-23T${end}:00Z` };
  return buildAppointment(patient, practitioner, { ...times, ...overrides });
}

async function booked(start: string, end: string, overrides?: Partial<Appointment>): Promise<Appointment> {
  const { status, json } = await server.a.request('POST', '/Appointment', await visit(start, end, overrides));
  expect(status).toBe(201);
  return json;
}

const send = (method: string, path: string, body: object, headers = {}) =>
  server.a.request(method, path, body, { ...outcome, ...headers });

/** Each warning of an overlap; there are others, such as that it has no narrative. */
function warnings({ json }: TestResponse): unknown[] {
  const issues = json.issue as { readonly diagnostics?: string }[];
  return issues.filter(({ diagnostics }) => diagnostics === told);
}

const warning = { severity: 'warning', code: 'conflict', diagnostics: told, expression: ['Appointment.start'] };

describe('with Prefer: return=OperationOutcome', () => {
  test('POST warns where the times overlap, and not where they only touch', async () => {
    await booked('09:00', '09:30');
    const beside = await send('POST', '/Appointment', await visit('09:15', '09:45'));
    expect([beside.status, warnings(beside)]).toEqual([201, [warning]]);
    const after = await send('POST', '/Appointment', await visit('09:45', '10:00'));
    expect([after.status, warnings(after)]).toEqual([201, []]);
  });

  test('PUT and PATCH warn when the time is moved onto another, and when the patient is added', async () => {
    await booked('09:00', '09:30');
    const other = await booked('11:00', '11:30');
    const moved = { ...other, start: '2026-11-23T09:10:00Z', end: '2026-11-23T09:40:00Z' };
    expect(warnings(await send('PUT', `/Appointment/${other.id}`, moved))).toEqual([warning]);
    const back = [
      { op: 'replace', path: '/start', value: '2026-11-23T12:00:00Z' },
      { op: 'replace', path: '/end', value: '2026-11-23T12:30:00Z' },
    ];
    const json = { 'Content-Type': 'application/json-patch+json' };
    expect(warnings(await send('PATCH', `/Appointment/${other.id}`, back, json))).toEqual([]);
    const [mine, doctor] = [await booked('15:00', '15:30'), await reference('Practitioner', buildPractitioner())];
    const elses = buildAppointment('Patient/somebody-else', doctor, {
      start: mine.start as string,
      end: mine.end as string,
    });
    const { json: stored } = await server.a.request('POST', '/Appointment', elses);
    const add = [{ op: 'add', path: '/participant/-', value: { actor: { reference: patient }, status: 'accepted' } }];
    expect(warnings(await send('PATCH', `/Appointment/${stored.id}`, add, json))).toEqual([warning]);
  });

  test('who declined, what holds no time, what is over and what stays as it was bring no warning', async () => {
    const first = await booked('09:00', '09:30');
    const declined = await visit('09:00', '09:30');
    (declined.participant[0] as { status: string }).status = 'declined';
    for (const one of [
      declined,
      await visit('09:00', '09:30', { status: 'proposed' }),
      await visit('09:00', '09:30', { status: 'fulfilled' }),
    ]) {
      expect(warnings(await send('POST', '/Appointment', one))).toEqual([]);
    }
    const again = { ...first, comment: 'brings the letter' };
    expect(warnings(await send('PUT', `/Appointment/${first.id}`, again))).toEqual([]);
  });
});

test.each(['transaction', 'batch'])(
  'a %s says it in the outcome of the entry, also of two of its own',
  async (type) => {
    const entry: BundleEntry[] = [];
    for (const [start, end] of [
      ['09:00', '09:30'],
      ['09:20', '09:50'],
      ['09:50', '10:20'],
    ] as const) {
      entry.push({ resource: await visit(start, end), request: { method: 'POST', url: 'Appointment' } });
    }
    const { json } = await send('POST', '', { resourceType: 'Bundle', type, entry });
    const found = (json.entry as BundleEntry[]).map((one) => {
      // In a batch the answer of a write is the entry's resource.
      const { issue = [] } = (one.response?.outcome ?? one.resource) as { issue?: { diagnostics?: string }[] };
      return issue.some(({ diagnostics }) => diagnostics?.includes(told));
    });
    // A transaction knows of both from the start, a batch goes on entry by entry.
    expect(found).toEqual(type === 'transaction' ? [true, true, false] : [false, true, false]);
  },
);

test('a clinic knows nothing of the times that the patients of another have', async () => {
  const mine = await booked('09:00', '09:30');
  const { start, end, participant, appointmentType } = mine;
  const same = { resourceType: 'Appointment', status: 'booked', start, end, participant, appointmentType };
  const answer = await server.b.request('POST', '/Appointment', same, outcome);
  expect([answer.status, warnings(answer)]).toEqual([201, []]);
});
