// The connection to PostgreSQL dies at a commit: the client gets 503, and the same request with its key has one effect (fault 15).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildPatient, buildPractitioner } from '../support/builders.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';
import { type CommitProxy, type Moment, startCommitProxy } from './commit-proxy.ts';
import { attempt, bundleOf, type Intent, markerSystem } from './load.ts';

const repeatsMax = 500;

describe('the connection dies at a commit: fault 15', () => {
  let bed: FaultBed;
  let proxy: CommitProxy;
  let patient: string;
  const intents: Intent[] = [];
  beforeAll(async () => {
    bed = await FaultBed.open();
    proxy = await startCommitProxy(bed.database.url);
    await bed.start({ databaseUrl: proxy.url, does: { api: true, jobs: false } });
    patient = (await bed.a.create(buildPatient())).id;
  });
  afterAll(async () => {
    await bed.close();
    await proxy.close();
  });

  /** Gives whether the effect was there before the request was repeated. */
  async function loseCommit(moment: Moment, intent: Intent): Promise<boolean> {
    intents.push(intent);
    const died = proxy.dieAt(moment);
    await attempt(intent);
    await died;
    expect(intent.attempts).toEqual([503]);
    const before = await keptAnswers();
    // Until PostgreSQL has noticed that the connection is gone, the first attempt counts as under way: 409 (contract.md 8).
    for (let times = 0; !intent.answer && times < repeatsMax; times++) await attempt(intent);
    const first = intent.answer;
    expect(first?.status).toBe(intent.what === 'bundle' ? 200 : 201);
    await attempt(intent);
    expect(intent.answer?.text).toBe(first?.text);
    return (await keptAnswers()) === before;
  }

  async function keptAnswers(): Promise<number> {
    return (await bed.sql('SELECT FROM store.idempotency_key')).length;
  }

  const bodies: [Intent['what'], string, (marker: string) => Promise<object>][] = [
    ['patient', '/Patient', async (marker) => buildPatient({ identifier: [{ system: markerSystem, value: marker }] })],
    ['bundle', '', async (marker) => bundleOf(marker, 5)],
    ['visit', '/Appointment', async (marker) => visitOf(marker)],
  ];

  test.each(bodies)(
    '%s: the answer is lost, the effect is kept, and the repetition gets the first answer',
    async (what, path, body) => {
      const marker = `after-${what}`;
      expect(await loseCommit('after', intentOf(what, path, marker, await body(marker)))).toBe(true);
    },
  );

  test.each(bodies)(
    '%s: the write never arrives, nothing is kept, and the repetition does it',
    async (what, path, body) => {
      const marker = `before-${what}`;
      expect(await loseCommit('before', intentOf(what, path, marker, await body(marker)))).toBe(false);
    },
  );

  test.each<[Moment, number]>([
    ['before', 1],
    ['after', 2],
  ])('an update without a key that dies %s its commit leaves version %i, whole', async (moment, versionId) => {
    const patient = await bed.a.create(buildPatient());
    const died = proxy.dieAt(moment);
    const { status, headers } = await bed.a.request('PUT', `/Patient/${patient.id}`, { ...patient, active: true });
    await died;
    expect([status, Number(headers.get('Retry-After')) > 0]).toEqual([503, true]);
    const { json } = await bed.a.request('GET', `/Patient/${patient.id}`);
    expect([json.meta.versionId, json.active]).toEqual([String(versionId), versionId === 2 ? true : undefined]);
    const history = await bed.a.request('GET', `/Patient/${patient.id}/_history`);
    expect(history.json.total).toBe(versionId);
  });

  test('afterwards everything else holds too', async () => {
    expect(await findProblems(bed, intents)).toEqual([]);
  });

  function intentOf(what: Intent['what'], path: string, marker: string, body: object): Intent {
    const size = what === 'bundle' ? 5 : 1;
    return { client: bed.a, what, marker, size, method: 'POST', path, body: JSON.stringify(body), attempts: [] };
  }

  /** Of a practitioner of its own, so that nothing clashes. */
  async function visitOf(marker: string): Promise<object> {
    const { id } = await bed.a.create(buildPractitioner());
    return {
      resourceType: 'Appointment',
      status: 'booked',
      identifier: [{ system: markerSystem, value: marker }],
      start: '2026-11-23T09:00:00Z',
      end: '2026-11-23T09:30:00Z',
      participant: [`Patient/${patient}`, `Practitioner/${id}`].map((reference) => ({
        actor: { reference },
        status: 'accepted',
      })),
    };
  }
});
