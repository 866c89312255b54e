// The override of a double booking: an administrator says why (domain.md S2-FR-S01, contract.md 12).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Extension } from '@medplum/fhirtypes';
import { createClient } from '../../../src/people/clients.ts';
import { fetchToken, startTestServer, type TestServer, type TestTenant } from '../../support/server.ts';
import { Desk, tally } from './desk.ts';

let server: TestServer;
let administrator: Desk;
let receptionist: Desk;
let doctor: string;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  administrator = await Desk.open(server.a);
  receptionist = await Desk.open(await withoutRole(server.a));
});
afterAll(() => server.close());
beforeEach(async () => {
  doctor = await administrator.practitioner();
});

/** The same tenant as a client that may write everything and is no administrator. */
async function withoutRole(tenant: TestTenant): Promise<TestTenant> {
  const { doors } = server.app;
  const cipher = await doors.keyRing.cipherOf(tenant.id);
  const registration = { name: 'Desk', grantTypes: ['client_credentials'], scope: 'system/*.cruds', roles: [] };
  const client = await doors.tenantDoor(tenant.id, async (trx) => createClient(trx, cipher, registration));
  const token = await fetchToken(server.origin, tenant.name, client.clientId, client.clientSecret);
  const request: TestTenant['request'] = (method, path, body, headers) =>
    tenant.request(method, path, body, { ...headers, Authorization: `Bearer ${token}` });
  return { ...tenant, ...client, token, request };
}

function because(valueString: string, url = 'reason'): { readonly extension: Extension[] } {
  return {
    extension: [{ url: 'https://hpms.example/fhir/StructureDefinition/overbook', extension: [{ url, valueString }] }],
  };
}

const nine = (extra = {}) => administrator.visit(doctor, '09:00', '09:30', extra);

describe('an administrator', () => {
  test('may overbook with a reason', async () => {
    await administrator.booked(nine());
    await administrator.booked(nine(because('twins')));
    await administrator.booked(nine(because('triplets')));
  });

  test.each([
    ['blank', because('  ')],
    ['empty', because('')],
    ['not there', because('twins', 'note')],
  ])('may not with a reason that is %s: 422, also where nothing clashes', async (_, override) => {
    expect((await administrator.book(nine(override))).status).toBe(422);
  });

  test('may overbook all of 20 visits at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => administrator.book(nine(because('open house')))),
    );
    expect(tally(answers)).toEqual({ 201: 20 });
  });
});

describe('anybody else', () => {
  test('gets 403, also where nothing clashes', async () => {
    const { status, json } = await receptionist.book(nine(because('twins')));
    expect([status, json.issue[0].code]).toEqual([403, 'forbidden']);
  });

  test('cannot come to it in two steps: by a proposal that is booked afterwards', async () => {
    await administrator.booked(nine());
    const proposal = await receptionist.booked(nine({ ...because('twins'), status: 'proposed' }));
    expect((await receptionist.put({ ...proposal, status: 'booked' })).status).toBe(403);
  });

  test('may go on with an overbooked visit, and may not move it', async () => {
    await administrator.booked(nine());
    const visit = await administrator.booked(nine(because('twins')));
    const arrived = await receptionist.put({ ...visit, status: 'arrived' });
    expect(arrived.status).toBe(200);
    const moved = { ...arrived.json, start: '2026-11-23T09:10:00Z', end: '2026-11-23T09:40:00Z' };
    expect((await receptionist.put(moved)).status).toBe(403);
  });
});

describe('an overbooked visit', () => {
  test('keeps others out, also when what it was booked over is gone', async () => {
    const first = await administrator.booked(nine());
    await administrator.booked(nine(because('twins')));
    const cancelationReason = { text: 'asked for' };
    expect((await administrator.put({ ...first, status: 'cancelled', cancelationReason })).status).toBe(200);
    expect((await receptionist.book(nine())).status).toBe(409);
  });

  test('without its override clashes again', async () => {
    await administrator.booked(nine());
    const { extension: _, ...plain } = await administrator.booked(nine(because('twins')));
    expect((await administrator.put(plain)).status).toBe(409);
  });

  test('loses the race with nobody: 20 plain bookings and 20 overbooked ones, all of the latter and one plain at most', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => administrator.book(nine(index % 2 ? because('twins') : {}))),
    );
    const overbooked = answers.filter((_, index) => index % 2 === 1);
    const plain = answers.filter((_, index) => index % 2 === 0);
    expect(tally(overbooked)).toEqual({ 201: 20 });
    expect(tally(plain)[201] ?? 0).toBeLessThanOrEqual(1);
    expect((tally(plain)[201] ?? 0) + (tally(plain)[409] ?? 0)).toBe(20);
  });

  test('between two of a bundle does not hide that those two clash', async () => {
    const visits = [
      administrator.visit(doctor, '09:00', '12:00'),
      administrator.visit(doctor, '09:30', '09:45', because('a word')),
      administrator.visit(doctor, '11:00', '11:30'),
    ];
    const answer = await administrator.transaction(...visits.map((visit) => ({ method: 'POST' as const, visit })));
    expect(answer.status).toBe(409);
  });
});
