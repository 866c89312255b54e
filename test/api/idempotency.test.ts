// A repeated write with the same Idempotency-Key takes effect once: contract.md 8, security.md 113 and 114

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { untilRecorded } from '../support/until-recorded.ts';
import { postEntry } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { expectRefusal } from './refusals.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const keyed = (key: string) => ({ 'Idempotency-Key': key });
const post = (body: unknown, key: string) => server.a.request('POST', '/Patient', body, keyed(key));
const countOf = async (family: string) =>
  (await server.a.request('GET', `/Patient?family=${family}&_count=100`)).json.total;
const patientOf = (family: string) => buildPatient({ name: [{ family }] });

/** What the client gets of an answer. */
const seen = ({ status, text, headers }: TestResponse) => ({
  status,
  text,
  location: headers.get('Location'),
  etag: headers.get('ETag'),
  lastModified: headers.get('Last-Modified'),
  type: headers.get('Content-Type'),
});

describe('the same key and body', () => {
  test('is the first answer again: status, body, Location, and one resource', async () => {
    const key = randomUUID();
    const first = await post(patientOf('Onceonly'), key);
    const again = await post(patientOf('Onceonly'), key);
    expect(first.status).toBe(201);
    expect(seen(again)).toEqual(seen(first));
    expect(await countOf('Onceonly')).toBe(1);
  });

  test('is the first answer even after the resource has changed', async () => {
    const key = randomUUID();
    const first = await post(patientOf('Laterchange'), key);
    await server.a.request('DELETE', `/Patient/${first.json.id}`);
    expect(seen(await post(patientOf('Laterchange'), key))).toEqual(seen(first));
    expect((await server.a.request('GET', `/Patient/${first.json.id}`)).status).toBe(410);
  });

  test('of a refusal is the same refusal, also when it would pass now', async () => {
    const taken = await server.a.request('POST', '/Appointment', buildAppointment('Patient/1', 'Practitioner/idem'));
    const key = keyed(randomUUID());
    const body = buildAppointment('Patient/2', 'Practitioner/idem');
    const first = await server.a.request('POST', '/Appointment', body, key);
    expectRefusal(first, 409);
    await server.a.request('DELETE', `/Appointment/${taken.json.id}`);
    expect(seen(await server.a.request('POST', '/Appointment', body, key))).toEqual(seen(first));
    expect((await server.a.request('POST', '/Appointment', body, keyed(randomUUID()))).status).toBe(201);
  });

  test('of an invalid resource is 422 again, with the same issues', async () => {
    const key = randomUUID();
    const first = await post({ ...buildPatient(), gender: 'x' }, key);
    expectRefusal(first, 422);
    expect(seen(await post({ ...buildPatient(), gender: 'x' }, key))).toEqual(seen(first));
  });

  test('of a transaction is written once', async () => {
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [postEntry(patientOf('Transactedonce'))] };
    const key = keyed(randomUUID());
    const first = await server.a.request('POST', '', bundle, key);
    expect(first.status).toBe(200);
    expect(seen(await server.a.request('POST', '', bundle, key))).toEqual(seen(first));
    expect(await countOf('Transactedonce')).toBe(1);
  });

  test('of a batch is written once', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [postEntry(patientOf('Batchedonce')), postEntry({ ...buildPatient(), gender: 'x' })],
    };
    const key = keyed(randomUUID());
    const first = await server.a.request('POST', '', bundle, key);
    expect(first.status).toBe(200);
    expect(seen(await server.a.request('POST', '', bundle, key))).toEqual(seen(first));
    expect(await countOf('Batchedonce')).toBe(1);
  });

  test('of a batch that was cut off does what is missing and answers the rest as it was', async () => {
    const family = 'Cutoff';
    const body = JSON.stringify({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        postEntry(patientOf(family)),
        postEntry(patientOf(family)),
        { request: { method: 'GET', url: 'Patient/none' } },
      ],
    });
    const key = keyed(randomUUID());
    const first = await server.a.request('POST', '', body, key);
    // As if the process had ended behind the first entry.
    await withClient(server.database.url, (client) =>
      client.query(
        'DELETE FROM store.idempotency_key WHERE created_at > (SELECT min(created_at) FROM (SELECT created_at FROM store.idempotency_key ORDER BY created_at DESC LIMIT 3) AS last)',
      ),
    );
    const again = await server.a.request('POST', '', body, key);
    expect(again.json.entry[0]).toEqual(first.json.entry[0]);
    expect(again.json.entry[1].resource.id).not.toBe(first.json.entry[1].resource.id);
    expect(again.json.entry[2]).toEqual(first.json.entry[2]);
    expectRefusal(await server.a.request('POST', '', `${body} `, key), 422);
  });

  test('makes one AuditEvent', async () => {
    const key = randomUUID();
    const { json } = await post(patientOf('Auditedonce'), key);
    await post(patientOf('Auditedonce'), key);
    await untilRecorded(server.database.url);
    expect((await server.a.request('GET', `/AuditEvent?entity=Patient/${json.id}&action=C,U,D`)).json.total).toBe(1);
  });
});

describe('the same key of a change', () => {
  const patchType = { 'Content-Type': 'application/json-patch+json' };

  test('patches once', async () => {
    const { json } = await post(patientOf('Patchedonce'), randomUUID());
    const patch = [{ op: 'add', path: '/name/-', value: { family: 'Added' } }];
    const headers = { ...patchType, ...keyed(randomUUID()) };
    const first = await server.a.request('PATCH', `/Patient/${json.id}`, patch, headers);
    expect(first.json.name).toHaveLength(2);
    expect(seen(await server.a.request('PATCH', `/Patient/${json.id}`, patch, headers))).toEqual(seen(first));
    expect((await server.a.request('GET', `/Patient/${json.id}`)).json.name).toHaveLength(2);
  });

  test('of a version that is past by now is the first answer, not 412', async () => {
    const { json } = await post(patientOf('Putonce'), randomUUID());
    const headers = { 'If-Match': 'W/"1"', ...keyed(randomUUID()) };
    const body = { ...patientOf('Putagain'), id: json.id };
    const first = await server.a.request('PUT', `/Patient/${json.id}`, body, headers);
    expect(first.status).toBe(200);
    expect(seen(await server.a.request('PUT', `/Patient/${json.id}`, body, headers))).toEqual(seen(first));
    const removed = { 'If-Match': 'W/"2"', ...keyed(randomUUID()) };
    const gone = await server.a.request('DELETE', `/Patient/${json.id}`, undefined, removed);
    expect(gone.status).toBe(204);
    expect(seen(await server.a.request('DELETE', `/Patient/${json.id}`, undefined, removed))).toEqual(seen(gone));
  });

  test('with other criteria is 422', async () => {
    const key = keyed(randomUUID());
    const put = (query: string) => server.a.request('PUT', `/Patient?identifier=${query}`, patientOf('Criteria'), key);
    expect((await put('urn:once%7C1')).status).toBe(201);
    expect((await put('urn:once%7C1')).status).toBe(201);
    expectRefusal(await put('urn:once%7C2'), 422);
    expect(await countOf('Criteria')).toBe(1);
  });

  test('replaces the content of a Binary once', async () => {
    const made = await server.a.request('POST', '/Binary', 'one', { 'Content-Type': 'text/plain' });
    const id = made.headers.get('Location')?.split('/').at(-3);
    const headers = { 'Content-Type': 'text/plain', 'If-Match': 'W/"1"', ...keyed(randomUUID()) };
    const put = (text: string) => server.a.request('PUT', `/Binary/${id}`, text, headers);
    const first = await put('two');
    expect(first.status).toBe(200);
    expect(seen(await put('two'))).toEqual(seen(first));
    expectRefusal(await put('three'), 422);
  });
});

describe('the same key with another body', () => {
  test('is 422 and does nothing, be it one space', async () => {
    const key = randomUUID();
    const text = JSON.stringify(patientOf('Otherbody'));
    expect((await post(text, key)).status).toBe(201);
    for (const other of [` ${text}`, JSON.stringify(patientOf('Othername')), '{}']) {
      expectRefusal(await post(other, key), 422);
    }
    expect(await countOf('Otherbody')).toBe(1);
    expect(await countOf('Othername')).toBe(0);
  });

  test('is 422 also when the first was refused', async () => {
    const key = randomUUID();
    expectRefusal(await post({ ...buildPatient(), gender: 'x' }, key), 422);
    const corrected = await post(patientOf('Corrected'), key);
    expectRefusal(corrected, 422);
    expect(corrected.json.issue[0].diagnostics).toContain('Idempotency-Key');
  });
});

describe('a key', () => {
  test('is one of its client, tenant, method and path: elsewhere it is new', async () => {
    const key = randomUUID();
    const body = patientOf('Scopedkey');
    const other = await clientOf(server, server.a, 'system/*.cruds');
    const answers = [
      await post(body, key),
      await other.request('POST', '/Patient', body, keyed(key)),
      await server.b.request('POST', '/Patient', body, keyed(key)),
      await server.a.request('POST', '/Observation', buildObservation('Patient/1'), keyed(key)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(4);
    expect(await countOf('Scopedkey')).toBe(2);
  });

  test("shows no other client another one's answer", async () => {
    const key = randomUUID();
    const other = await clientOf(server, server.a, 'system/Patient.c');
    const first = await post(patientOf('Notforothers'), key);
    const theirs = await other.request('POST', '/Patient', patientOf('Notforothers'), keyed(key));
    expect(theirs.json.id).not.toBe(first.json.id);
  });

  test.each(['x', ' with spaces ', '!"#$%&()*+,-./:;<=>?@[]^_`{|}~', 'k'.repeat(255)])('may be %s', async (key) => {
    const family = `Key${[...key]
      .map((letter) => letter.charCodeAt(0).toString(16))
      .join('')
      .slice(0, 60)}`;
    expect((await post(patientOf(family), key)).status).toBe(201);
    expect((await post(patientOf(family), key)).status).toBe(201);
    expect(await countOf(family)).toBe(1);
  });

  test('leaves no readable answer and no readable key in the database', async () => {
    await post(patientOf('Unreadable'), 'my-readable-key');
    const rows = await server.app.doors.tenantDoor(server.a.id, (trx) =>
      trx.query<{ all: string }>({
        text: "SELECT encode(key, 'escape') || encode(answer, 'escape') AS all FROM idempotency_key",
      }),
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { all } of rows) expect(all).not.toMatch(/Unreadable|readable-key|resourceType/);
  });
});

describe('at the same time', () => {
  test.each([1, 2, 3])(
    '20 requests with one key make one resource; the others get the same answer or 409 (round %i)',
    async (round) => {
      const key = randomUUID();
      const family = `Race${'abc'[round - 1]}`;
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(patientOf(family), key)));
      const made = answers.filter(({ status }) => status === 201);
      expect(made.length).toBeGreaterThan(0);
      expect(new Set(made.map(({ text }) => text)).size).toBe(1);
      for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 409);
      expect(await countOf(family)).toBe(1);
      expect(seen(await post(patientOf(family), key))).toEqual(seen(made[0] as TestResponse));
    },
  );

  test('20 requests with keys of their own make 20', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(patientOf('Manykeys'), randomUUID())));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(await countOf('Manykeys')).toBe(20);
  });

  test('10 transactions with one key book a time once and never fail over themselves', async () => {
    const entry = [postEntry(buildAppointment('Patient/1', 'Practitioner/race'))];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    const key = keyed(randomUUID());
    const answers = await Promise.all(Array.from({ length: 10 }, () => server.a.request('POST', '', bundle, key)));
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const last = await server.a.request('POST', '', bundle, key);
    expect(last.status).toBe(200);
    expect((await server.a.request('GET', '/Appointment?practitioner=Practitioner/race')).json.total).toBe(1);
  });
});
