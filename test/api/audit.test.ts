// Every mutation leaves one AuditEvent in its own transaction, on every door: contract.md 46, IHE BALP, security.md 122

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent, BundleEntry } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import { publicUrl, startTestServer, type TestServer } from '../support/server.ts';
import { untilRecorded } from '../support/until-recorded.ts';
import { deleteEntry, placeOf, postEntry, putEntry, sendBundle } from './bundle-requests.ts';
import { clientOf } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function eventsOf(query: string): Promise<AuditEvent[]> {
  const { status, json } = await server.a.request('GET', `/AuditEvent?_count=200${query}`);
  expect(status).toBe(200);
  return (json.entry ?? []).map((entry: BundleEntry) => entry.resource as AuditEvent);
}

/** Reads, and refusals, leave theirs too: test/api/audit-shapes.test.ts. */
const ofChanges = 'action=C,U,D&outcome=0';
const countEvents = async () => {
  await untilRecorded(server.database.url);
  return (await server.a.request('GET', `/AuditEvent?${ofChanges}&_summary=count`)).json.total as number;
};
const oldestFirst = (events: readonly AuditEvent[]) => [...events].reverse();
const subjectOf = ({ action, entity }: AuditEvent) => [action, entity?.[0]?.what?.reference];
const patch = { 'Content-Type': 'application/json-patch+json' };

describe('each mutation of one resource', () => {
  test('create, update, patch and delete leave C, U, U and D with the version they are about', async () => {
    const { id } = (await server.a.request('POST', '/Patient', buildPatient())).json;
    await server.a.request('PUT', `/Patient/${id}`, { ...buildPatient({ active: true }), id });
    await server.a.request('PATCH', `/Patient/${id}`, [{ op: 'replace', path: '/active', value: false }], patch);
    await server.a.request('DELETE', `/Patient/${id}`);
    const events = await eventsOf(`&entity=Patient/${id}&${ofChanges}`);
    expect(
      events
        .flatMap(({ entity }) => entity?.map(({ what }) => what?.reference))
        .filter((one) => one === `Patient/${id}`),
    ).toHaveLength(4);
    // A deletion is about the version that was deleted.
    expect(oldestFirst(events).map(subjectOf)).toEqual([
      ['C', `Patient/${id}/_history/1`],
      ['U', `Patient/${id}/_history/2`],
      ['U', `Patient/${id}/_history/3`],
      ['D', `Patient/${id}/_history/3`],
    ]);
    expect(await eventsOf(`&entity=Patient/${id}/_history/2&${ofChanges}`)).toHaveLength(1);
  });

  test('an update that creates is C', async () => {
    await server.a.request('PUT', '/Patient/audited-put', { ...buildPatient(), id: 'audited-put' });
    expect((await eventsOf(`&entity=Patient/audited-put&${ofChanges}`)).map(subjectOf)).toEqual([
      ['C', 'Patient/audited-put/_history/1'],
    ]);
  });

  test('a delete of what is not there is on record as a request, about no version', async () => {
    const before = await countEvents();
    await server.a.request('DELETE', '/Patient/never-was');
    expect(await countEvents()).toBe(before + 1);
    expect((await eventsOf(`&entity=Patient/never-was&${ofChanges}`)).map(subjectOf)).toEqual([
      ['D', 'Patient/never-was'],
    ]);
  });

  test('names the caller as agent, the server as source, the time and the outcome', async () => {
    const { id, meta } = (await server.a.request('POST', '/Patient', buildPatient())).json;
    const [event] = await eventsOf(`&entity=Patient/${id}&${ofChanges}`);
    expect(event).toMatchObject({
      resourceType: 'AuditEvent',
      action: 'C',
      outcome: '0',
      recorded: meta.lastUpdated,
      agent: [
        { requestor: true, who: { reference: `Device/${server.a.clientId}` }, network: { address: '127.0.0.1' } },
        { requestor: false, who: { display: 'HPMS' }, network: { address: publicUrl } },
      ],
      subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'create' }],
    });
    expect(event?.source).toMatchObject({ observer: { display: 'HPMS' }, site: publicUrl });
    expect(event?.entity?.at(-1)?.what?.identifier?.value).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('names the patient as an entity of its own, role 1', async () => {
    const { id } = (await server.a.request('POST', '/Patient', buildPatient())).json;
    const made = [
      await server.a.request('POST', '/Observation', buildObservation(`Patient/${id}`)),
      await server.a.request('POST', '/Appointment', buildAppointment(`Patient/${id}`, 'Practitioner/audited')),
      await server.a.request('POST', '/Encounter', {
        resourceType: 'Encounter',
        status: 'planned',
        class: { code: 'AMB' },
        subject: { reference: `Patient/${id}` },
      }),
    ];
    for (const { json } of made) {
      const [event] = await eventsOf(`&entity=${json.resourceType}/${json.id}&${ofChanges}`);
      expect(event?.entity).toHaveLength(3);
      expect(event?.entity?.[1]).toMatchObject({ what: { reference: `Patient/${id}` }, role: { code: '1' } });
    }
    expect(await eventsOf(`&patient=Patient/${id}&${ofChanges}`)).toHaveLength(4);
  });

  test('still names the patient when what is about them is deleted', async () => {
    const { id } = (await server.a.request('POST', '/Observation', buildObservation('Patient/of-deleted'))).json;
    await server.a.request('DELETE', `/Observation/${id}`);
    const [deletion] = await eventsOf(`&entity=Observation/${id}&action=D`);
    expect(deletion?.entity?.[1]?.what?.reference).toBe('Patient/of-deleted');
  });
});

describe('bundles', () => {
  const entries = (family: string) => [
    postEntry(buildPatient({ name: [{ family }] }), 'urn:uuid:00000000-0000-4000-8000-000000000001'),
    postEntry(buildObservation('urn:uuid:00000000-0000-4000-8000-000000000001')),
    putEntry({ ...buildPatient({ name: [{ family }] }), id: `put-${family}` }),
    deleteEntry(`Patient/delete-${family}`),
  ];

  test.each(['transaction', 'batch'] as const)('a %s leaves one per entry that changes something', async (type) => {
    const family = type === 'batch' ? 'Stapel' : 'Vorgang';
    await server.a.request('PUT', `/Patient/delete-${family}`, { ...buildPatient(), id: `delete-${family}` });
    const before = await countEvents();
    const answer = await sendBundle(server.a, type, entries(family));
    expect(answer.status).toBe(200);
    expect(await countEvents()).toBe(before + 4);
    for (const index of [0, 1, 2]) {
      const version = `${placeOf(answer, index)}/_history/1`;
      expect((await eventsOf(`&entity=${version}&${ofChanges}`)).map(subjectOf)).toEqual([['C', version]]);
    }
    expect((await eventsOf(`&entity=Patient/delete-${family}&action=D`)).length).toBe(1);
  });

  test('a transaction that fails at its last entry leaves none, and a batch those of its good entries', async () => {
    const bad = postEntry({ ...buildPatient(), gender: 'x' });
    const before = await countEvents();
    expect((await sendBundle(server.a, 'transaction', [...entries('Fehlschlag'), bad])).status).toBe(422);
    expect(
      (
        await sendBundle(server.a, 'transaction', [
          ...entries('Fehlschlag'),
          { request: { method: 'GET', url: 'Patient/none' } },
        ])
      ).status,
    ).toBe(404);
    expect(await countEvents()).toBe(before);
    await sendBundle(server.a, 'batch', [postEntry(buildPatient()), bad]);
    expect(await countEvents()).toBe(before + 1);
  });

  test('a refused write leaves none that says it was done', async () => {
    const before = await countEvents();
    await server.a.request('POST', '/Patient', { ...buildPatient(), gender: 'x' });
    await server.a.request('PUT', '/Patient/stale', { ...buildPatient(), id: 'stale' }, { 'If-Match': 'W/"4"' });
    const reader = await clientOf(server, server.a, 'system/Patient.r');
    await reader.request('POST', '/Patient', buildPatient());
    expect(await countEvents()).toBe(before);
  });
});

describe('AuditEvents', () => {
  test('are in the same transaction as the change: without a place for them nothing is written', async () => {
    const { withClient } = await import('../support/database.ts');
    const { rows } = await withClient(server.database.url, (client) =>
      client.query(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'store.audit_event'::regclass ORDER BY 1 LIMIT 1",
      ),
    );
    const run = (text: string) => withClient(server.database.url, (client) => client.query(text));
    const [year = 0, month = 0] = rows[0].name.match(/\d+/g).map(Number);
    const bounds = [new Date(Date.UTC(year, month - 1)), new Date(Date.UTC(year, month))].map(
      (date) => `'${date.toISOString()}'`,
    );
    await run(`ALTER TABLE store.audit_event DETACH PARTITION ${rows[0].name}`);
    const failed = await server.a.request('PUT', '/Patient/unaudited', { ...buildPatient(), id: 'unaudited' });
    await run(
      `ALTER TABLE store.audit_event ATTACH PARTITION ${rows[0].name} FOR VALUES FROM (${bounds[0]}) TO (${bounds[1]})`,
    );
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(failed.text).not.toContain('audit_event');
    expect((await server.a.request('GET', '/Patient/unaudited')).status).toBe(404);
  });

  test('are valid R4, each of them', async () => {
    const validate = createValidator(loadDefinitions());
    const events = await eventsOf('');
    expect(events.length).toBeGreaterThan(20);
    expect(events.flatMap((event) => validate(event))).toEqual([]);
  });

  test('are read by id, at version 1, and their history is that one', async () => {
    const [event] = await eventsOf('&_count=1');
    const path = `/AuditEvent/${event?.id}`;
    expect((await server.a.request('GET', path)).json).toEqual(event);
    expect((await server.a.request('GET', `${path}/_history/1`)).json).toEqual(event);
    expect((await server.a.request('GET', `${path}/_history/2`)).status).toBe(404);
    expect((await server.a.request('GET', `${path}/_history`)).json).toMatchObject({
      total: 1,
      entry: [{ resource: event }],
    });
  });

  test('hold no name, address, identifier or narrative of the patient', async () => {
    const family = 'Unverwechselbar';
    await server.a.request(
      'POST',
      '/Patient',
      buildPatient({ name: [{ family }], identifier: [{ value: 'id-4711-x' }] }),
    );
    expect(JSON.stringify(await eventsOf(''))).not.toMatch(/Unverwechselbar|id-4711-x/);
  });
});

describe('searches of AuditEvents', () => {
  test('find by entity, patient, agent, action, type, subtype, outcome and date, newest first, in pages', async () => {
    const client = await clientOf(server, server.a, 'system/*.cruds');
    const { id, meta } = (await client.request('POST', '/Patient', buildPatient())).json;
    await client.request('POST', '/Observation', buildObservation(`Patient/${id}`));
    await client.request('DELETE', `/Patient/${id}`);
    // Without that of its token.
    const agent = `&agent=Device/${client.clientId}&type=rest`;
    const mine = await eventsOf(agent);
    expect(mine.map(({ action }) => action)).toEqual(['D', 'C', 'C']);
    for (const [query, count] of [
      // An entity of the Observation's event too: the patient it is about.
      [`${agent}&entity=Patient/${id}`, 3],
      [`${agent}&entity=Patient/${id}/_history/1`, 2],
      [`${agent}&patient=Patient/${id}`, 3],
      [`${agent}&patient=${id}`, 3],
      [`${agent}&action=C`, 2],
      [`${agent}&action=C,D`, 3],
      [`${agent}&action=U`, 0],
      [`${agent}&type=rest`, 3],
      [`${agent}&type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest`, 3],
      [`${agent}&subtype=http://hl7.org/fhir/restful-interaction|delete`, 1],
      [`${agent}&outcome=0`, 3],
      [`${agent}&outcome=4`, 0],
      [`${agent}&date=ge${meta.lastUpdated}`, 3],
      [`${agent}&date=gt${meta.lastUpdated}`, 2],
      [`${agent}&date=lt${meta.lastUpdated}`, 0],
      [`${agent}&date=${meta.lastUpdated}`, 1],
      [`${agent}&_id=${mine[0]?.id}`, 1],
    ] as const) {
      expect([query, (await eventsOf(query)).length]).toEqual([query, count]);
    }
    const first = await server.a.request('GET', `/AuditEvent?_count=2${agent}`);
    const next = first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url as string;
    const second = await server.a.request('GET', next.slice(server.a.baseUrl.length));
    const ids = [...first.json.entry, ...second.json.entry].map((entry: BundleEntry) => entry.resource?.id);
    expect(ids).toEqual(mine.map((event) => event.id));
    expect(first.json.total).toBe(3);
  });

  test('need the right to search them', async () => {
    const client = await clientOf(server, server.a, 'system/Patient.cruds');
    expect((await client.request('GET', '/AuditEvent')).status).toBe(403);
  });
});
