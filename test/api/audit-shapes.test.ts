// Each kind of AuditEvent that the server makes has its profile, and says who, what, from where and what changed: IHE BALP, contract.md 46

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, Bundle, Observation } from '@medplum/fhirtypes';
import { applyPatch, type Operation } from 'rfc6902';
import { auditProfile } from '../../src/access/audit-parts.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { checkResource } from '../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../src/validation/profiles/registry.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { openBrowser } from '../smart/browser.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { publicUrl, startTestServer, type TestServer } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { deleteEntry, postEntry, putEntry, sendBundle, statusesOf } from './bundle-requests.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  client = await clientOf(server, server.a, 'system/*.cruds');
});
afterAll(() => server.close());

async function eventsOf(query: string): Promise<AuditEvent[]> {
  const { json } = await server.a.request('GET', `/AuditEvent?_count=500&${query}`);
  return ((json as Bundle<AuditEvent>).entry ?? []).flatMap(({ resource }) => resource ?? []);
}

/** What is read is searchable within two seconds. */
async function eventually(query: string, isEnough: (events: readonly AuditEvent[]) => boolean): Promise<AuditEvent[]> {
  for (const end = Date.now() + 15_000; ; await delay(50)) {
    const events = await eventsOf(query);
    if (isEnough(events) || Date.now() > end) return events;
  }
}

const make = async (resource: object) => {
  const { resourceType } = resource as { resourceType: string };
  return (await client.request('POST', `/${resourceType}`, resource)).json.id as string;
};
const kindsOf = (events: readonly AuditEvent[]) =>
  [...new Set(events.flatMap(({ meta }) => meta?.profile ?? []))].sort();
const organization = { resourceType: 'Organization', name: 'Clinic' };

describe('each kind', () => {
  /** There is no operation yet that lets whole records out. */
  const kinds = (
    [
      ...(['read', 'patient-read', 'query', 'patient-query', 'operation', 'patient-operation', 'refusal'] as const),
      ...(['create', 'patient-create', 'update', 'patient-update', 'delete', 'patient-delete'] as const),
      ...(['login', 'security-alert', 'administration'] as const),
    ] as const
  )
    .map(auditProfile)
    .sort();

  async function doEverything(): Promise<void> {
    for (const resource of [organization, buildPatient()]) {
      const { resourceType } = resource as { resourceType: string };
      const id = await make(resource);
      const path = `/${resourceType}/${id}`;
      await client.request('PUT', path, { ...resource, id, language: 'en' });
      await client.request('GET', path);
      await client.request('GET', `${path}/_history`);
      await client.request('GET', `/${resourceType}?_id=${id}`);
      await client.request('GET', `${path}/$meta`);
      await client.request('DELETE', path);
    }
    const id = await make(buildPatient());
    await server.a.request('GET', `/Patient/${id}/$access-report`);
    await client.request('GET', '/Patient/never-was');
    await client.request('POST', '/Patient', { ...buildPatient(), gender: 'x' });
    await (await clientOf(server, server.a, 'system/Patient.r')).request('GET', '/Observation');
    await server.a.request('GET', `/Patient/${id}`, undefined, { Authorization: 'Bearer x.y.z' });
    const emergency = await clientOf(server, server.a, 'system/Organization.rs', ['system-admin']);
    await emergency.request('GET', `/Patient/${id}`, undefined, { 'X-Purpose-Of-Use': 'BTG' });
    await adminOf(server, server.a)('GET', '/settings');
    const browser = openBrowser(server.origin);
    const login = await browser.get(`${publicUrl}/t/clinic-a/account`);
    await browser.submit(login, { email: 'nobody@clinic.example', password: 'seven kittens on a sofa' });
  }

  test('is made by what is done, and each event is valid R4 and by the profile that it names', async () => {
    await doEverything();
    const events = await eventually('', (all) => kinds.every((kind) => kindsOf(all).includes(kind)));
    expect(kindsOf(events)).toEqual(kinds);
    const definitions = loadDefinitions();
    const [validate, registry] = [createValidator(definitions), createRegistry(definitions, ownDefinitions())];
    for (const event of events) {
      expect(validate(event)).toEqual([]);
      expect(checkResource(registry, event, { profiles: event.meta?.profile ?? [] })).toEqual([]);
    }
    // Over HTTP as anybody could ask.
    for (const kind of kinds) {
      const event = events.find(({ meta }) => meta?.profile?.[0] === kind);
      const { json } = await server.a.request('POST', `/AuditEvent/$validate?profile=${kind}`, event);
      expect([kind, json.issue.filter(({ severity }: { severity: string }) => severity === 'error')]).toEqual([
        kind,
        [],
      ]);
    }
    expect(await server.b.request('GET', '/AuditEvent?action=C,U,D&_summary=count')).toMatchObject({
      json: { total: 0 },
    });
  }, 60_000);
});

describe('an update', () => {
  const patchOf = ({ entity }: AuditEvent) => {
    const [detail] = entity?.[0]?.detail ?? [];
    return Buffer.from(detail?.valueBase64Binary ?? '', 'base64').toString();
  };
  const updateOf = async (reference: string) => (await eventsOf(`entity=${reference}&action=U`))[0] as AuditEvent;

  test('tells what was and what is, with a test before each replace and remove (S1-P5-1)', async () => {
    const id = await make({ ...buildObservation('Patient/x'), note: [{ text: 'first' }, { text: 'second' }] });
    const before = (await client.request('GET', `/Observation/${id}`)).json as Observation;
    const { note, ...rest } = before;
    const changed = { ...rest, status: 'amended', note: [{ text: 'second' }], language: 'de' };
    const after = (await client.request('PUT', `/Observation/${id}`, changed)).json as Observation;
    const operations = JSON.parse(patchOf(await updateOf(`Observation/${id}`))) as Operation[];
    expect(applyPatch(before, operations).filter(Boolean)).toEqual([]);
    expect(before).toEqual(after);
    for (const [index, { op, path }] of operations.entries()) {
      if (op !== 'replace' && op !== 'remove') continue;
      expect(operations[index - 1]).toMatchObject({ op: 'test', path });
    }
  });

  test('keeps the texts of decimals', async () => {
    const quantity = (value: string) =>
      JSON.stringify(buildObservation('Patient/x', { valueQuantity: { value: 777 } })).replace('777', value);
    const { json } = await client.request('POST', '/Observation', quantity('1.10'));
    const withId = (text: string) => text.replace('{', `{"id":"${json.id}",`);
    await client.request('PUT', `/Observation/${json.id}`, withId(quantity('1.100')));
    const patch = patchOf(await updateOf(`Observation/${json.id}`));
    expect(patch).toContain('{"op":"test","path":"/valueQuantity/value","value":1.10}');
    expect(patch).toContain('{"op":"replace","path":"/valueQuantity/value","value":1.100}');
  });

  test('says that its patch is too long to be kept, and is made all the same', async () => {
    const note = (letter: string) => [{ text: letter.repeat(150_000) }];
    const id = await make({ ...buildObservation('Patient/x'), note: note('a') });
    await client.request('PUT', `/Observation/${id}`, { ...buildObservation('Patient/x'), id, note: note('b') });
    const [detail] = (await updateOf(`Observation/${id}`)).entity?.[0]?.detail ?? [];
    expect(detail).toEqual({ type: 'json-patch', valueString: expect.stringContaining('history') });
  });

  test('of a Binary leaves its content out', async () => {
    const binary = (text: string) => ({ resourceType: 'Binary', contentType: 'text/plain', data: btoa(text) });
    const id = await make(binary('first'));
    await client.request('PUT', `/Binary/${id}`, { ...binary('second'), id, language: 'en' });
    const patch = patchOf(await updateOf(`Binary/${id}`));
    expect(patch).toContain('"/language"');
    expect(patch).not.toContain('data');
  });

  test('that takes a record to another patient names both; creates and deletes hold no patch', async () => {
    const [one, other] = [await make(buildPatient()), await make(buildPatient())];
    const id = await make(buildObservation(`Patient/${one}`));
    await client.request('PUT', `/Observation/${id}`, { ...buildObservation(`Patient/${other}`), id });
    const event = await updateOf(`Observation/${id}`);
    const patients = event.entity?.filter(({ role }) => role?.code === '1').map(({ what }) => what?.reference);
    expect(patients?.sort()).toEqual([`Patient/${one}`, `Patient/${other}`].sort());
    await client.request('DELETE', `/Observation/${id}`);
    for (const { entity } of await eventsOf(`entity=Observation/${id}&action=C,D`))
      expect(entity?.[0]?.detail).toBeUndefined();
  });
});

test('what becomes of a Binary names the patients who protect or protected it', async () => {
  const [one, other] = [await make(buildPatient()), await make(buildPatient())];
  const of = (patient: string) => ({
    ...{ resourceType: 'Binary', contentType: 'text/plain', data: 'aGVsbG8=' },
    securityContext: { reference: `Patient/${patient}` },
  });
  const id = await make(of(one));
  const place = `/Binary/${id}`;
  await client.request('PUT', place, { ...of(other), id });
  await client.request('PUT', place, 'hello', {
    'Content-Type': 'text/plain',
    'X-Security-Context': `Patient/${other}`,
  });
  await client.request('DELETE', place);
  const named = (await eventsOf(`entity=Binary/${id}&_sort=date`)).map(({ action, meta, entity = [] }) => [
    `${action} ${meta?.profile?.[0]?.split('hpms-audit-')[1]}`,
    ...entity.filter(({ role }) => role?.code === '1').map(({ what }) => what?.reference),
  ]);
  expect(named).toEqual([
    ['C patient-create', `Patient/${one}`],
    ['U patient-update', `Patient/${other}`, `Patient/${one}`],
    ['U patient-update', `Patient/${other}`],
    ['D patient-delete', `Patient/${other}`],
  ]);
});

test('AuditEvents are found by all that auditors ask by (domain.md S4-K3d, S5-F4.7)', async () => {
  const id = await make(buildPatient());
  const headers = { 'X-Purpose-Of-Use': 'HRESCH', 'X-Request-Id': 'request-of-this-test' };
  await client.request('PUT', `/Patient/${id}`, { ...buildPatient({ active: true }), id }, headers);
  const who = `agent=Device/${client.clientId}&entity=Patient/${id}`;
  const [event] = await eventsOf(`${who}&action=U`);
  expect(event?.entity?.at(-1)?.what?.identifier?.value).toBe('request-of-this-test');
  for (const [query, count] of [
    ...(['address=127.0.0', 'address:exact=127.0.0.1', 'entity-type=Patient', 'entity-type=1'] as const).map(
      (one) => [one, 1] as const,
    ),
    ['address=198.51', 0],
    ['entity-type=Observation', 0],
    ['entity-role=http://terminology.hl7.org/CodeSystem/object-role|4', 1],
    ['entity-role=24', 0],
    ['purpose=HRESCH', 1],
    ['purpose=http://terminology.hl7.org/CodeSystem/v3-ActReason|HRESCH', 1],
    ['purpose=TREAT', 0],
    [`site=${encodeURIComponent(publicUrl)}`, 1],
    ...(['agent-name=x', 'agent-role=provider', 'altid=x', 'entity-name=x', 'policy=urn:x'] as const).map(
      (one) => [one, 0] as const,
    ),
    ['source=Device/x', 0],
    ['address:contains=27.0', 1],
  ] as const) {
    expect([query, (await eventsOf(`${who}&action=U&${query}`)).length]).toEqual([query, count]);
  }
});

describe('no door writes AuditEvents, whoever asks (security.md 42, contract.md 46)', () => {
  const body: AuditEvent = {
    resourceType: 'AuditEvent',
    type: { code: 'rest' },
    recorded: '2026-11-20T08:00:00Z',
    agent: [{ requestor: true }],
    source: { observer: { display: 'x' } },
  };
  const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };
  const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
  const mergePatch = { 'Content-Type': 'application/merge-patch+json' };
  const patch = [{ op: 'remove', path: '/outcome' }];

  test('of one resource, by id, by criteria, by any kind of patch, and by operations', async () => {
    const [event] = await eventsOf('_count=1');
    const path = `/AuditEvent/${event?.id}`;
    for (const [method, at, sent, headers] of [
      ['POST', '/AuditEvent', body, { 'If-None-Exist': 'action=C' }],
      ['PUT', '/AuditEvent?action=C', body, {}],
      ['PUT', path, { ...event, outcome: '8' }, { 'If-Match': 'W/"1"' }],
      ['PUT', path, { ...event, outcome: '8' }, { 'If-None-Match': '*' }],
      ['PATCH', '/AuditEvent?action=C', patch, jsonPatch],
      ['PATCH', path, { outcome: '8' }, mergePatch],
      ['PATCH', path, { resourceType: 'Parameters' }, {}],
      ['DELETE', '/AuditEvent?action=C', undefined, {}],
      ['DELETE', path, undefined, {}],
      ['POST', `${path}/$meta-add`, meta, {}],
      ['POST', `${path}/$meta-delete`, meta, {}],
    ] as const) {
      const answer = await server.a.request(method, at, sent, headers);
      expect([method, at, answer.status]).toEqual([method, at, 405]);
      expectRefusal(answer, 405);
    }
    expect((await server.a.request('GET', path)).json).toEqual(event);
  });

  test('in a batch and in a transaction', async () => {
    const [event] = await eventsOf('_count=1');
    const path = `AuditEvent/${event?.id}`;
    const entry = (method: 'PUT' | 'PATCH' | 'DELETE' | 'POST', url: string, resource?: object, rest: object = {}) => ({
      ...(resource && { resource }),
      request: { method, url, ...rest },
    });
    const binary = {
      resourceType: 'Binary',
      contentType: 'application/json-patch+json',
      data: btoa(JSON.stringify(patch)),
    };
    const entries = [
      postEntry(body),
      putEntry({ ...body, id: event?.id as string }),
      deleteEntry(path),
      entry('POST', 'AuditEvent', body, { ifNoneExist: 'action=C' }),
      entry('PUT', 'AuditEvent?action=C', body),
      entry('DELETE', 'AuditEvent?action=C'),
      entry('PATCH', path, binary),
      entry('PATCH', 'AuditEvent?action=C', binary),
    ] as Parameters<typeof sendBundle>[2];
    expect(statusesOf(await sendBundle(server.a, 'batch', entries))).toEqual(entries.map(() => '405'));
    for (const one of entries)
      expectRefusal(await sendBundle(server.a, 'transaction', [postEntry(organization), one]), 405);
    expect((await server.a.request('GET', `/${path}`)).json).toEqual(event);
    expect((await server.a.request('GET', `/${path}/_history`)).json.total).toBe(1);
  });
});
