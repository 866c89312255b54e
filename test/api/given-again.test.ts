// An answer that is given again (Idempotency-Key, contract.md 8) shows what it did the first time: who was shown it is on record each
// time, with the patients it is about, though no change tells of them any more (security.md 1.8 and attack 122).

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { allEvents, gist, patientsOf, type Sent, send } from '../audit/trail/events.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { deleteEntry, getEntry, postEntry, putEntry } from './bundle-requests.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const id of ['first', 'second', 'third', 'gone'])
    await server.a.request('PUT', `/Patient/${id}`, { ...buildPatient(), id });
  await server.a.request('PUT', '/Observation/known', { ...buildObservation('Patient/first'), id: 'known' });
});
afterAll(() => server.close());

interface Row {
  readonly what: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly gists: readonly string[];
  readonly patients: readonly string[];
  /** Types of the versions that are read now, and were made then. */
  readonly versions: readonly string[];
}

const bundleOf = (type: string, ...entry: unknown[]) => ({ resourceType: 'Bundle', type, entry });
const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'again' }] } }] };

const rows: readonly Row[] = [
  {
    what: 'a create',
    path: '/Observation',
    body: buildObservation('Patient/first'),
    status: 201,
    gists: ['read R 0'],
    patients: ['Patient/first'],
    versions: ['Observation'],
  },
  {
    what: 'a transaction',
    path: '',
    body: bundleOf(
      'transaction',
      postEntry(buildObservation('Patient/first')),
      putEntry({ ...buildPatient(), id: 'second', active: false }),
      getEntry('Patient/third'),
      deleteEntry('Patient/gone'),
    ),
    status: 200,
    gists: ['transaction E 0'],
    patients: ['Patient/first', 'Patient/second', 'Patient/third'],
    versions: [],
  },
  {
    what: 'a batch',
    path: '',
    body: bundleOf('batch', postEntry(buildObservation('Patient/second')), getEntry('Observation?_id=known')),
    status: 200,
    gists: ['read R 0', 'search-type E 0'],
    patients: ['Patient/first', 'Patient/second'],
    versions: ['Observation'],
  },
  {
    what: 'an operation',
    path: '/Observation/known/$meta-add',
    body: meta,
    status: 200,
    gists: ['operation E 0'],
    patients: ['Patient/first'],
    versions: [],
  },
  {
    what: 'content',
    path: '/Binary',
    body: 'some text',
    headers: { 'Content-Type': 'text/plain', 'X-Security-Context': 'Patient/third' },
    status: 201,
    gists: ['read R 0'],
    patients: ['Patient/third'],
    versions: ['Binary'],
  },
  {
    what: 'a refusal',
    path: '/Patient',
    body: { ...buildPatient(), gender: 'x' },
    status: 422,
    gists: ['create C 4'],
    patients: [],
    versions: [],
  },
];

describe.each(rows)('$what', ({ path, body, headers, status, gists, patients, versions }) => {
  let first: readonly AuditEvent[];
  let again: readonly AuditEvent[];
  beforeAll(async () => {
    const keyed = { 'Idempotency-Key': randomUUID(), Prefer: 'return=minimal', ...headers };
    const sent: Sent[] = [];
    for (const _ of [1, 2]) sent.push(await send(server.a, 'POST', path, { body, headers: keyed }));
    expect(sent.map(({ answer }) => answer.status)).toEqual([status, status]);
    expect(sent[1]?.answer.text).toBe(sent[0]?.answer.text);
    const events = await allEvents(server.a);
    [first = [], again = []] = sent.map(({ requestId }) => events.get(requestId));
  });

  test('is on record again, as what it is now', () => {
    expect(again.map(gist).sort()).toEqual(gists);
  });

  test('with the patients it is about', () => {
    expect(again.flatMap(patientsOf).sort()).toEqual(patients);
  });

  test('with the versions that the first time made', () => {
    const read = versionsIn(again);
    expect(read.map((version) => version.split('/')[0])).toEqual(versions);
    const made = versionsIn(first);
    for (const version of read) expect(made).toContain(version);
  });
});

function versionsIn(events: readonly AuditEvent[]): string[] {
  const references = events.flatMap(({ entity = [] }) => entity.map(({ what }) => what?.reference ?? ''));
  return references.filter((reference) => reference.includes('/_history/') && !reference.startsWith('Patient/')).sort();
}
