// Who may read AuditEvents and not what they are about reads nothing of its content: security.md 7 and 36, contract.md 46.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { type AppWorld, letIn, makePerson, startAppWorld } from '../smart/app-world.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { recordingDoor } from '../support/recording-door.ts';
import { send, type TestTenant } from '../support/server.ts';
import { clientOf } from './clients.ts';

/** Old and new value of what is changed. */
const values = ['Altwert', 'Neuwert'];

let world: AppWorld;
/** Of the update of an Observation, in each of the tenants. */
let event: string;
let eventOfB: string;
let observation: string;
beforeAll(async () => {
  world = await startAppWorld();
  const { server, anna } = world;
  [observation, event] = await change(server.a, `Patient/${anna}`, 'exam');
  const { id } = (await server.b.request('POST', '/Patient', buildPatient())).json;
  [, eventOfB] = await change(server.b, `Patient/${id}`, 'exam');
  await change(server.a, `Patient/${world.bert}`, 'vital-signs');
}, 60_000);
afterAll(() => world.server.close());

async function change(tenant: TestTenant, subject: string, category: string): Promise<[string, string]> {
  const system = 'http://terminology.hl7.org/CodeSystem/observation-category';
  const body = { ...buildObservation(subject), category: [{ coding: [{ system, code: category }] }] };
  const [before, after] = values.map((text) => ({ ...body, note: [{ text }] }));
  const { id } = (await tenant.request('POST', '/Observation', before)).json;
  await tenant.request('PUT', `/Observation/${id}`, { ...after, id });
  const { json } = await tenant.request('GET', `/AuditEvent?entity=Observation/${id}&action=U`);
  return [id, (json as Bundle).entry?.[0]?.resource?.id ?? ''];
}

type Ask = (method: string, path: string, body?: object, headers?: Record<string, string>) => ReturnType<typeof send>;

/** A person of a role of the clinic's own. */
async function personWith(slug: string, grants: readonly string[]): Promise<Ask> {
  const { server } = world;
  const headers = { Authorization: `Bearer ${server.a.token}` };
  const url = `${server.origin}/t/${server.a.name}/admin/roles`;
  expect((await send(url, 'POST', { slug, name: slug, grants }, headers)).status).toBe(201);
  const person = await makePerson(server, server.a, [slug]);
  const { body } = await letIn(world, person, `openid ${grants.join(' ')}`);
  return (method, path, given, more) =>
    server.a.request(method, path, given, { Authorization: `Bearer ${body.access_token}`, ...more });
}

const patchOf = ({ entity }: AuditEvent) =>
  entity?.flatMap(({ detail = [] }) => detail.filter(({ type }) => type === 'json-patch'))[0];
const labelsOf = ({ meta }: AuditEvent) => meta?.security?.map(({ code }) => code);

function expectRedacted(shown: AuditEvent): void {
  const text = JSON.stringify(shown);
  for (const value of values) expect(text).not.toContain(value);
  expect(patchOf(shown)).toEqual({ type: 'json-patch', valueString: expect.stringContaining('Left out') });
  expect(labelsOf(shown)).toEqual(['REDACTED']);
}

function expectWhole(shown: AuditEvent): void {
  const patch = Buffer.from(patchOf(shown)?.valueBase64Binary ?? '', 'base64').toString();
  for (const value of values) expect(patch).toContain(value);
  expect(labelsOf(shown)).toBeUndefined();
}

const found = (json: Bundle, id: string) =>
  json.entry?.find(({ resource }) => resource?.id === id)?.resource as AuditEvent;

describe('who may read AuditEvents alone', () => {
  let ask: Ask;
  beforeAll(async () => {
    ask = await personWith('log-reader', ['user/AuditEvent.rs']);
  });

  test.each([
    ['read', () => ask('GET', `/AuditEvent/${event}`)],
    ['vread', () => ask('GET', `/AuditEvent/${event}/_history/1`)],
  ])('%s: the change is told, its values are not', async (_, answer) => {
    const { status, json } = await answer();
    expect(status).toBe(200);
    expectRedacted(json);
    expect(json.entity[0].what.reference).toBe(`Observation/${observation}/_history/2`);
  });

  test.each([
    ['search', () => ask('GET', `/AuditEvent?action=U&_count=100`)],
    ['search of a compartment', () => ask('GET', `/Patient/${world.anna}/AuditEvent?action=U`)],
    ['search of some elements', () => ask('GET', '/AuditEvent?action=U&_elements=entity')],
    ['history of the type', () => ask('GET', '/AuditEvent/_history?_count=1000')],
    ['history of the instance', () => ask('GET', `/AuditEvent/${event}/_history`)],
  ])('%s', async (_, answer) => {
    const { status, json } = await answer();
    expect(status).toBe(200);
    expectRedacted(found(json, event));
  });

  test('in a batch', async () => {
    const urls = [`AuditEvent/${event}`, 'AuditEvent?action=U&_count=100'];
    const entry = urls.map((url) => ({ request: { method: 'GET', url } }));
    const { json } = await ask('POST', '/', { resourceType: 'Bundle', type: 'batch', entry });
    expectRedacted(json.entry[0].resource);
    expectRedacted(found(json.entry[1].resource, event));
  });

  test('an answer kept for a while is none of another caller', async () => {
    const { headers } = await world.server.a.request('GET', `/AuditEvent/${event}`);
    const again = await ask('GET', `/AuditEvent/${event}`, undefined, {
      'If-None-Match': headers.get('ETag') ?? '',
      'If-Modified-Since': new Date(Date.now() + 60_000).toUTCString(),
    });
    expect(again.status).toBe(200);
    expectRedacted(again.json);
  });

  test('events that say nothing of content are as they are', async () => {
    const { json } = await ask('GET', `/AuditEvent?action=C&entity=Observation/${observation}`);
    expect(json.entry.length).toBe(1);
    expect(labelsOf(json.entry[0].resource)).toBeUndefined();
  });
});

describe('who may read some of what they are about', () => {
  test('every Observation: the values are there', async () => {
    const ask = await personWith('result-reader', ['user/AuditEvent.rs', 'user/Observation.rs']);
    expectWhole((await ask('GET', `/AuditEvent/${event}`)).json);
    expectWhole(found((await ask('GET', '/AuditEvent?action=U&_count=100')).json, event));
  });

  test('those of a category: those of its events', async () => {
    const ask = await personWith('exam-reader', ['user/AuditEvent.rs', 'user/Observation.rs?category=exam']);
    const { json } = await ask('GET', '/AuditEvent?action=U&_count=100');
    expectWhole(found(json, event));
    const others = (json as Bundle<AuditEvent>).entry?.flatMap(({ resource }) => resource ?? []) ?? [];
    for (const other of others.filter(({ id }) => id !== event)) expectRedacted(other);
    expect(others.length).toBeGreaterThan(1);
  });

  test('a page of many changes asks for their versions once', async () => {
    const ask = await personWith('exam-counter', ['user/AuditEvent.rs', 'user/Observation.rs?category=exam']);
    const { repository } = world.server.app;
    const { tenantDoor } = repository;
    const asked: string[] = [];
    Object.assign(repository, { tenantDoor: recordingDoor(tenantDoor, asked) });
    try {
      const { json } = await ask('GET', '/AuditEvent?action=U&_count=100');
      const changed = (json as Bundle<AuditEvent>).entry?.filter(({ resource }) => resource && patchOf(resource));
      expect(changed?.length).toBeGreaterThan(1);
    } finally {
      Object.assign(repository, { tenantDoor });
    }
    expect(asked.filter((name) => name === 'versions-of-changes')).toHaveLength(1);
  });

  test('a record that left what they may read takes its past with it', async () => {
    const ask = await personWith('exam-reader-too', ['user/AuditEvent.rs', 'user/Observation.rs?category=exam']);
    const [id, changed] = await change(world.server.a, `Patient/${world.anna}`, 'exam');
    expectWhole((await ask('GET', `/AuditEvent/${changed}`)).json);
    const { json } = await world.server.a.request('GET', `/Observation/${id}`);
    await world.server.a.request('PUT', `/Observation/${id}`, { ...json, category: undefined });
    expectRedacted((await ask('GET', `/AuditEvent/${changed}`)).json);
  });

  test('the report about a patient leaves the same out', async () => {
    const ask = await personWith('report-reader', ['user/AuditEvent.rs', 'user/Patient.rs']);
    const { status, json } = await ask('GET', `/Patient/${world.anna}/$access-report?_count=100`);
    expect(status).toBe(200);
    expectRedacted(found(json, event));
  });
});

test('each clinic for itself: the rights in one say nothing of the other', async () => {
  const { server } = world;
  const [inA, inB] = await Promise.all([
    clientOf(server, server.a, 'system/AuditEvent.rs'),
    clientOf(server, server.b, 'system/AuditEvent.rs system/Observation.rs'),
  ]);
  expectRedacted((await inA.request('GET', `/AuditEvent/${event}`)).json);
  expectWhole((await inB.request('GET', `/AuditEvent/${eventOfB}`)).json);
  expect((await inA.request('GET', `/AuditEvent/${eventOfB}`)).status).toBe(404);
});
