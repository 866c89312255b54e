// Prefer: respond-async: 202, a status to ask, an answer that is kept, a DELETE that cancels: https://hl7.org/fhir/R5/async-bundle.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fhirError } from '../../src/fhir/outcome.ts';
import { openAnswer, openRequest } from '../../src/http/async/background-request.ts';
import { sweepKeptAnswers } from '../../src/jobs/maintenance.ts';
import { runSql, until } from '../jobs/job-bed.ts';
import { buildPatient } from '../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer, type TestTenant } from '../support/server.ts';
import { postEntry, putEntry } from './bundle-requests.ts';
import { clientOf } from './clients.ts';
import { deliverAsync as deliver } from './deliver-async.ts';

const respondAsync = { Prefer: 'respond-async' };

let working: TestServer;
/** Accepts and never works, so that a request stays where it is. */
let waiting: TestServer;
beforeAll(async () => {
  [working, waiting] = await Promise.all([startTestServer(), startTestServer({ does: { api: true, jobs: false } })]);
});
afterAll(() => Promise.all([working.close(), waiting.close()]));

/** The path below the FHIR base that the answer to the first request names. */
function statusPathOf(tenant: TestTenant, accepted: TestResponse): string {
  expect(accepted.status).toBe(202);
  const place = accepted.headers.get('Content-Location') ?? '';
  expect(place).toMatch(new RegExp(`^${tenant.baseUrl}/_async/[0-9a-f-]{36}$`));
  return place.slice(tenant.baseUrl.length);
}

/** The single entry of the answer, when it is there. */
async function answerOf(tenant: TestTenant, accepted: TestResponse) {
  const path = statusPathOf(tenant, accepted);
  let status = await tenant.request('GET', path);
  await until(async () => {
    status = await tenant.request('GET', path);
    return status.status !== 202;
  });
  expect(status.status).toBe(200);
  expect(status.json).toMatchObject({ resourceType: 'Bundle', type: 'batch-response' });
  expect(status.json.entry).toHaveLength(1);
  return status.json.entry[0];
}

const bundle = (type: string, ...entry: unknown[]) => ({ resourceType: 'Bundle', type, entry });
const named = (family: string) => ({ ...buildPatient(), name: [{ family }] });

async function countOf(tenant: TestTenant, family: string): Promise<number> {
  return (await tenant.request('GET', `/Patient?family=${family}`)).json.total;
}

describe('in the background runs', () => {
  test('a transaction, wholly', async () => {
    const { a } = working;
    const accepted = await a.request(
      'POST',
      '',
      bundle('transaction', postEntry(named('Asynca')), postEntry(named('Asynca'))),
      respondAsync,
    );
    const entry = await answerOf(a, accepted);
    expect(entry.response.status).toBe('200 OK');
    expect(entry.resource.type).toBe('transaction-response');
    expect(entry.resource.entry.map(({ response }: never) => (response as { status: string }).status)).toEqual([
      '201 Created',
      '201 Created',
    ]);
    expect(await countOf(a, 'Asynca')).toBe(2);
  });

  test('or not at all, and then the answer says why', async () => {
    const { a } = working;
    const broken = postEntry({ resourceType: 'Patient', gender: 'nonsense' });
    const accepted = await a.request(
      'POST',
      '',
      bundle('transaction', postEntry(named('Asyncb')), broken),
      respondAsync,
    );
    const entry = await answerOf(a, accepted);
    expect(entry.response.status).toBe('422 Unprocessable Entity');
    expect(entry.response.outcome.issue[0].expression).toEqual(['Bundle.entry[1].resource.gender']);
    expect(await countOf(a, 'Asyncb')).toBe(0);
    // The log does not say of it that it will be tried again.
    await until(() => working.logLines.some((line) => line.includes('A job was refused')));
    expect(working.logLines.filter((line) => line.includes('A job failed'))).toEqual([]);
  });

  test('an operation that gives a file, as the resource that a Bundle has room for', async () => {
    const { a } = working;
    const { id } = (await a.request('POST', '/Patient', named('Asyncf'))).json;
    for (const query of ['', '?_format=application/pdf']) {
      const accepted = await a.request('GET', `/Patient/${id}/$render${query}`, undefined, respondAsync);
      const entry = await answerOf(a, accepted);
      expect(entry.resource).toMatchObject({ resourceType: 'Binary', contentType: 'application/pdf' });
      expect(Buffer.from(entry.resource.data, 'base64').toString('latin1')).toMatch(/^%PDF-/);
    }
  });

  test('a batch, each entry for itself', async () => {
    const { a } = working;
    const broken = postEntry({ resourceType: 'Patient', gender: 'nonsense' });
    const accepted = await a.request('POST', '', bundle('batch', postEntry(named('Asyncc')), broken), respondAsync);
    const { resource } = await answerOf(a, accepted);
    expect(resource.type).toBe('batch-response');
    expect(resource.entry.map(({ response }: never) => (response as { status: string }).status.slice(0, 3))).toEqual([
      '201',
      '422',
    ]);
    expect(await countOf(a, 'Asyncc')).toBe(1);
  });

  test.each([
    ['a search', '/Patient?family=Asyncd', 'searchset'],
    ['a history', '/Patient/async-d/_history', 'history'],
  ])('%s', async (_, path, type) => {
    const { a } = working;
    await a.request('PUT', '/Patient/async-d', { ...named('Asyncd'), id: 'async-d' });
    const { resource } = await answerOf(a, await a.request('GET', path, undefined, respondAsync));
    expect(resource.type).toBe(type);
    expect(resource.entry[0].resource.id).toBe('async-d');
  });

  test('no read: what is quick is answered at once, as RFC 7240 section 4.1 leaves to the server', async () => {
    const { a } = working;
    await a.request('PUT', '/Patient/async-e', { ...named('Asynce'), id: 'async-e' });
    expect((await a.request('GET', '/Patient/async-e', undefined, respondAsync)).status).toBe(200);
  });
});

describe('a request that waits', () => {
  test('is 202 with progress and a time to come back, and says which preference was applied', async () => {
    const accepted = await waiting.a.request('GET', '/Patient', undefined, respondAsync);
    expect(accepted.headers.get('Preference-Applied')).toBe('respond-async');
    const status = await waiting.a.request('GET', statusPathOf(waiting.a, accepted));
    expect(status.status).toBe(202);
    expect(status.headers.get('Retry-After')).toMatch(/^[1-9]/);
    expect(status.headers.get('X-Progress')).toMatch(/accepted/);
  });

  test('does not exist for another client or another tenant', async () => {
    const path = statusPathOf(waiting.a, await waiting.a.request('GET', '/Patient', undefined, respondAsync));
    const other = await clientOf(waiting, waiting.a, 'system/*.cruds');
    for (const request of [other.request, waiting.b.request]) {
      expect((await request('GET', path)).status).toBe(404);
      expect((await request('DELETE', path)).status).toBe(404);
    }
    expect((await waiting.a.request('GET', path)).status).toBe(202);
  });

  test('is gone after DELETE, and never done', async () => {
    const accepted = await waiting.a.request(
      'POST',
      '',
      bundle('transaction', postEntry(named('Asyncf'))),
      respondAsync,
    );
    const path = statusPathOf(waiting.a, accepted);
    expect((await waiting.a.request('DELETE', path)).status).toBe(202);
    expect((await waiting.a.request('GET', path)).status).toBe(404);
    expect((await waiting.a.request('DELETE', path)).status).toBe(404);
    await deliver(waiting, path);
    expect(await countOf(waiting.a, 'Asyncf')).toBe(0);
  });

  test('is gone when its time is over', async () => {
    const path = statusPathOf(waiting.a, await waiting.a.request('GET', '/Patient', undefined, respondAsync));
    await runSql(waiting.database.url, `UPDATE store.async_request SET expires_at = now() WHERE id = '${idOf(path)}'`);
    expect((await waiting.a.request('GET', path)).status).toBe(404);
  });

  test('has at most 49 others of its client beside it: 429', async () => {
    const { request } = await clientOf(waiting, waiting.b, 'system/*.cruds');
    const statuses: number[] = [];
    for (let n = 0; n < 51; n++) statuses.push((await request('GET', '/Patient', undefined, respondAsync)).status);
    expect(statuses).toEqual([...Array<number>(50).fill(202), 429]);
  });
});

describe('a job that is delivered', () => {
  test('twice has one effect and one answer', async () => {
    const accepted = await waiting.a.request(
      'POST',
      '',
      bundle('transaction', postEntry(named('Asyncg'))),
      respondAsync,
    );
    const path = statusPathOf(waiting.a, accepted);
    await deliver(waiting, path);
    const first = await waiting.a.request('GET', path);
    await deliver(waiting, path);
    expect((await waiting.a.request('GET', path)).text).toBe(first.text);
    expect(await countOf(waiting.a, 'Asyncg')).toBe(1);
  });

  test('again after it died between two entries of a batch does each entry once', async () => {
    const entries = ['async-h1', 'async-h2', 'async-h3'].map((id) => putEntry({ ...named('Asynch'), id }));
    const path = statusPathOf(
      waiting.a,
      await waiting.a.request('POST', '', bundle('batch', ...entries), respondAsync),
    );
    let beats = 0;
    await expect(
      deliver(waiting, path, (usual) => ({
        ...usual,
        run: (session, request, progress) =>
          usual.run(session, request, {
            ...progress,
            async beat() {
              if (++beats === 3) throw fhirError('transient', 'As if the process died here.');
            },
          }),
      })),
    ).rejects.toThrow();
    await deliver(waiting, path);
    for (const id of ['async-h1', 'async-h2', 'async-h3']) {
      expect((await waiting.a.request('GET', `/Patient/${id}`)).json.meta.versionId).toBe('1');
    }
  });

  test('and cancelled while it runs leaves nothing behind', async () => {
    const accepted = await waiting.a.request(
      'POST',
      '',
      bundle('transaction', postEntry(named('Asynci'))),
      respondAsync,
    );
    const path = statusPathOf(waiting.a, accepted);
    const cancelling = deliver(waiting, path, (usual) => ({
      ...usual,
      async run(session, request, progress) {
        const entry = await usual.run(session, request, progress);
        expect((await waiting.a.request('DELETE', path)).status).toBe(202);
        return entry;
      },
    }));
    await expect(cancelling).rejects.toThrow('cancelled');
    expect(await countOf(waiting.a, 'Asynci')).toBe(0);
  });
});

test('request and answer are kept encrypted, and swept when their time is over', async () => {
  const accepted = await waiting.a.request('POST', '', bundle('transaction', postEntry(named('Asyncj'))), respondAsync);
  const id = idOf(statusPathOf(waiting.a, accepted));
  await deliver(waiting, `/_async/${id}`);
  const kept = () =>
    runSql<{ request: Buffer; answer: Buffer }>(
      waiting.database.url,
      `SELECT request, answer FROM store.async_request WHERE id = '${id}'`,
    );
  const [row] = await kept();
  const cipher = await waiting.app.doors.keyRing.cipherOf(waiting.a.id);
  expect(openRequest(cipher, id, row?.request as Buffer).body).toContain('Asyncj');
  expect(openAnswer(cipher, id, row?.answer as Buffer)).toContain('Asyncj');
  expect(() => openAnswer(cipher, idOf(`/_async/${id}`).replace(/^./, 'f'), row?.answer as Buffer)).toThrow();
  expect(Buffer.concat([row?.request as Buffer, row?.answer as Buffer]).includes('Asyncj')).toBe(false);
  await runSql(waiting.database.url, `UPDATE store.async_request SET expires_at = now() WHERE id = '${id}'`);
  await sweepKeptAnswers(waiting.app.doors.systemDoor);
  expect(await kept()).toEqual([]);
});

test('the same Idempotency-Key is the same request in the background', async () => {
  const send = () =>
    waiting.a.request('POST', '', bundle('transaction', postEntry(named('Asynck'))), {
      ...respondAsync,
      'Idempotency-Key': 'async-once',
    });
  const [first, second] = [await send(), await send()];
  expect(statusPathOf(waiting.a, second)).toBe(statusPathOf(waiting.a, first));
});

const idOf = (statusPath: string) => statusPath.slice('/_async/'.length);
