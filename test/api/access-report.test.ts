// `Patient/{id}/$access-report`: the patient is told who saw or changed what, and no more than that (domain.md section 6; security.md 28).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { type AppWorld, letIn, makePerson, type Person, startAppWorld } from '../smart/app-world.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import type { TestResponse } from '../support/server.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

const secret = 'Geheimnis';

let world: AppWorld;
let token: string;
let shared: string;
let observation: string;
let doctor: string;

beforeAll(async () => {
  world = await startAppWorld();
  const { server, anna, bert, patient, provider } = world;
  const make = async (resourceType: string, body: object) =>
    (await server.a.request('POST', `/${resourceType}`, body)).json.id as string;
  observation = await make('Observation', buildObservation(`Patient/${anna}`));
  const { json } = await server.a.request('GET', `/Observation/${observation}`);
  await server.a.request('PUT', `/Observation/${observation}`, { ...json, note: [{ text: secret }] });
  const participant = [anna, bert].map((id) => ({ actor: { reference: `Patient/${id}` }, status: 'accepted' }));
  shared = await make('Appointment', { resourceType: 'Appointment', status: 'proposed', participant });
  await make('Observation', buildObservation(`Patient/${bert}`));
  token = await tokenOf(patient, 'openid user/Patient.r user/AuditEvent.r user/Appointment.rs user/Observation.rs');
  doctor = await tokenOf(provider, 'openid user/*.cruds');
}, 60_000);
afterAll(() => world.server.close());

const tokenOf = async (person: Person, scope: string) =>
  (await letIn(world, person, scope)).body.access_token as string;
const as = (bearer: string) => ({ Authorization: `Bearer ${bearer}` });
const path = (id: string, query = '') => `/Patient/${id}/$access-report${query}`;
const ask = (id: string, query = '', headers: Record<string, string> = as(token)) =>
  world.server.a.request('GET', path(id, query), undefined, headers);
const eventsIn = ({ json }: TestResponse) =>
  ((json as Bundle<AuditEvent>).entry ?? []).flatMap(({ resource }) => resource ?? []);
const aboutIn = ({ entity }: AuditEvent) => entity?.flatMap(({ what }) => what?.reference ?? []) ?? [];

describe('for the patient', () => {
  test('it tells every event about its own record: who, what, when and from which app', async () => {
    const answer = await ask(world.anna);
    expect([answer.status, answer.json.resourceType, answer.json.type]).toEqual([200, 'Bundle', 'searchset']);
    const events = eventsIn(answer);
    const abouts = events.map((event) => `${event.action} ${aboutIn(event)[0]}`);
    for (const one of [
      `C Patient/${world.anna}/_history/1`,
      `C Observation/${observation}/_history/1`,
      `U Observation/${observation}/_history/2`,
      `C Appointment/${shared}/_history/1`,
    ]) {
      expect(abouts).toContain(one);
    }
    for (const { agent, recorded } of events) {
      expect(agent[0]?.who?.display).toBeTruthy();
      expect(recorded).toMatch(/^\d{4}-.*Z$/);
    }
  });

  test('it holds no content, no address, nothing that was searched for, and no other patient', async () => {
    const { text } = await ask(world.anna);
    expect(text).toContain(`Appointment/${shared}`);
    expect(text).not.toContain(world.bert);
    for (const one of [
      secret,
      Buffer.from(secret).toString('base64').slice(0, 8),
      'json-patch',
      '"query"',
      '127.0.0.1',
    ]) {
      expect(text).not.toContain(one);
    }
    for (const { meta } of eventsIn(await ask(world.anna))) {
      expect(meta?.tag?.[0]?.code).toBe('SUBSETTED');
      expect(meta?.profile).toBeUndefined();
    }
  });

  test('it is of the own record alone', async () => {
    expectRefusal(await ask(world.bert), 404);
    expectRefusal(await ask('never-was'), 404);
    const [event] = eventsIn(await ask(world.anna));
    expect((await world.server.b.request('GET', path(world.anna))).status).toBe(404);
    expect(event?.id).toBeDefined();
  });

  test('it needs the right to read AuditEvents', async () => {
    const other = await tokenOf(world.patient, 'openid user/Patient.r user/Observation.rs');
    expectRefusal(await ask(world.anna, '', as(other)), 403);
  });

  test('what names two patients is not shown by AuditEvent itself to the app of either (security.md 28)', async () => {
    const app = await clientOf(world.server, world.server.a, 'system/AuditEvent.rs');
    const { json } = await app.request('GET', `/AuditEvent?entity=Appointment/${shared}&action=C`);
    const id = json.entry[0].resource.id as string;
    expect(aboutIn(json.entry[0].resource)).toEqual(
      expect.arrayContaining([`Patient/${world.anna}`, `Patient/${world.bert}`]),
    );
    expectRefusal(await world.server.a.request('GET', `/AuditEvent/${id}`, undefined, as(token)), 404);
  });
});

describe('for staff', () => {
  test('who may read AuditEvents has them whole', async () => {
    const auditor = await tokenOf(await makePerson(world.server, world.server.a, ['auditor']), 'openid user/*.rs');
    const { text, status } = await ask(world.anna, '', as(auditor));
    expect(status).toBe(200);
    expect(text).toContain('json-patch');
    expect(text).toContain('127.0.0.1');
  });

  test('who may not is refused: 403', async () => {
    expectRefusal(await ask(world.anna, '', as(doctor)), 403);
  });
});

describe('the report', () => {
  test('has pages, whose links lead to the report', async () => {
    const all = eventsIn(await ask(world.anna, '?_count=500&end=2100')).map(({ id }) => id);
    const seen: (string | undefined)[] = [];
    let next: string | undefined = path(world.anna, '?_count=2&end=2100');
    for (let page = 0; next !== undefined && page < 50; page++) {
      const answer = await world.server.a.request('GET', next, undefined, as(token));
      expect(eventsIn(answer).length).toBeLessThanOrEqual(2);
      seen.push(...eventsIn(answer).map(({ id }) => id));
      const link = (answer.json as Bundle).link?.find(({ relation }) => relation === 'next');
      expect(link?.url ?? `${world.fhirBase}${path(world.anna)}`).toContain(`${world.fhirBase}${path(world.anna)}`);
      next = link?.url?.slice(world.fhirBase.length);
    }
    // Each page is itself an event, which is newer than what the pages go through.
    expect(seen.slice(-all.length + 1)).toEqual(all.slice(1));
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('is of the days that are asked for, by GET and by POST', async () => {
    const count = async (query: string) => eventsIn(await ask(world.anna, query)).length;
    expect(await count('?start=2000-01-01&end=2100')).toBeGreaterThan(3);
    expect(await count('?end=2000-01-01')).toBe(0);
    expect(await count('?start=2100-01-01')).toBe(0);
    const body = { resourceType: 'Parameters', parameter: [{ name: '_count', valueInteger: 1 }] };
    const posted = await world.server.a.request('POST', path(world.anna), body, as(token));
    expect([posted.status, eventsIn(posted).length]).toEqual([200, 1]);
    expectRefusal(await ask(world.anna, '?start=yesterday'), 400);
    expectRefusal(await ask(world.anna, '?since=2026'), 400);
    expectRefusal(await ask(world.anna, '?_count=-1'), 400);
  });

  test('is an event of its own, about the patient', async () => {
    await ask(world.anna);
    const { json } = await world.server.a.request(
      'GET',
      `/AuditEvent?patient=${world.anna}&subtype=operation&_count=1`,
    );
    const { agent, entity } = json.entry[0].resource as AuditEvent;
    expect(agent[0]?.who?.reference).toBe(`Patient/${world.anna}`);
    const [asked] = (entity ?? []).flatMap(({ query }) => query ?? []);
    expect(Buffer.from(asked ?? '', 'base64').toString()).toContain('$access-report');
  });

  test('of a record that was deleted is for who sees all AuditEvents; others are told that it is gone', async () => {
    const { json } = await world.server.a.request('POST', '/Patient', buildPatient());
    await world.server.a.request('DELETE', `/Patient/${json.id}`);
    const answer = await world.server.a.request('GET', path(json.id));
    expect([answer.status, eventsIn(answer).map(({ action }) => action)]).toEqual([
      200,
      expect.arrayContaining(['C', 'D']),
    ]);
    expectRefusal(await ask(json.id), [404, 410]);
    expectRefusal(await ask(json.id, '', as(doctor)), 403);
  });

  test('also of a patient of whom nothing else is told', async () => {
    const { json } = await world.server.a.request('POST', '/Patient', buildPatient());
    const answer = await world.server.a.request('GET', path(json.id));
    expect(eventsIn(answer).map(({ action }) => action)).toContain('C');
  });
});
