// A run of the index step by step: it begins when older transactions have ended, loses no write, goes on after any break, and a
// write that began with older definitions runs again.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { serverCaller } from '../../src/access/caller.ts';
import { create } from '../../src/repository/create.ts';
import { ownParametersModule } from '../../src/repository/own-parameters/module.ts';
import { createDefinitionsLoader } from '../../src/repository/own-parameters/tenant-definitions.ts';
import { createReindexModule } from '../../src/repository/reindex/module.ts';
import { eventOf } from '../../src/repository/reindex/request-run.ts';
import { type Step, takeStep } from '../../src/repository/reindex/take-step.ts';
import { searchType } from '../../src/repository/search-type.ts';
import { inSession, type Repository } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { searchParameter } from '../api/custom-parameters.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

let made: HandMade;
let repository: Repository;
let tenantId: number;
let tenants = 0;
beforeAll(async () => {
  made = await makeByHand();
});
afterAll(() => made.close());
beforeEach(async () => {
  ({ tenantId } = await createTenant(made.doors, { name: `tenant-${++tenants}` }));
  repository = fresh();
});

const parameter = {
  code: 'eyes',
  type: 'string',
  base: ['Patient'],
  expression: 'Patient.extension.value.ofType(string)',
};
const withEyes = (value: string): Patient => ({
  resourceType: 'Patient',
  extension: [{ url: 'http://example.org/eyes', valueString: value }],
});
const caller = () => ({ ...serverCaller(tenantId, 'tester'), kind: 'client' as const });

/** As a process that asks the database each time. */
function fresh(): Repository {
  const parts = made.with(ownParametersModule);
  const load = createDefinitionsLoader(parts);
  return { ...parts, tenantDefinitions: { of: load, forget: () => undefined } };
}

/** As a process that is told of no change: it believes what it has loaded until it is told to forget. */
function believing(): Repository & { readonly loads: number[] } {
  const load = createDefinitionsLoader(made.with());
  const loads: number[] = [];
  let known: ReturnType<typeof load> | undefined;
  const of = (id: number) => {
    known ??= load(id).then((loaded) => {
      loads.push(loaded.version);
      return loaded;
    });
    return known;
  };
  const forget = () => {
    known = undefined;
  };
  return { ...made.with(ownParametersModule), tenantDefinitions: { of, forget }, loads };
}

const post = (resource: object, by = repository) =>
  inSession(by, caller(), (session) => create(session, resource as Patient)).then(({ id }) => id);

const activate = (facts = parameter) => post(searchParameter(facts));

async function found(query: string): Promise<number> {
  const body = await inSession(repository, caller(), (session) =>
    searchType(session, {
      ...{
        type: 'Patient',
        handling: 'strict',
        baseUrl: 'http://x',
        pairs: new URLSearchParams(`${query}&_count=1000`),
      },
    }),
  );
  return ((JSON.parse(body.toString()) as { entry?: unknown[] }).entry ?? []).length;
}

async function openRun(): Promise<string> {
  const rows = await repository.tenantDoor(tenantId, (trx) =>
    trx.query<{ id: string }>({ text: "SELECT id FROM reindex WHERE state <> 'done' ORDER BY state" }),
  );
  return rows[0]?.id ?? '';
}

const step = (runId: string): Promise<Step> =>
  inSession(repository, caller(), (session) => takeStep(session, runId, []));

/** All steps until the run has nothing to do any more, or has to wait. */
async function steps(runId: string, done: Step[] = []): Promise<Step[]> {
  const next = await step(runId);
  const again = next === 'more' || (next === 'waiting' && done.length === 0);
  return again ? steps(runId, [...done, next]) : [...done, next];
}

const progressOf = async (runId: string) =>
  repository.tenantDoor(tenantId, (trx) =>
    trx.query({ text: 'SELECT state, done::int, total::int FROM reindex WHERE id = $1', values: [runId] }),
  );

describe('a run', () => {
  test('goes a hundred resources a step, and what breaks in one is done by the next', async () => {
    await inSession(repository, caller(), (session) =>
      write(
        session,
        Array.from(
          { length: 250 },
          (_, index) => ({ action: 'create', resource: withEyes(`green ${index}`) }) as const,
        ),
      ),
    );
    await activate();
    const run = await openRun();
    expect([await step(run), await step(run), await step(run)]).toEqual(['waiting', 'more', 'more']);
    expect(await progressOf(run)).toEqual([{ state: 'running', done: 100, total: 250 }]);
    const broken = inSession(repository, caller(), async (session) => {
      await takeStep(session, run, []);
      throw new Error('The process is gone.');
    });
    await expect(broken).rejects.toThrow('The process is gone.');
    expect(await progressOf(run)).toEqual([{ state: 'running', done: 100, total: 250 }]);
    await expect(found('eyes=green')).rejects.toThrow('is being indexed, 100 of 250 resources are done');
    // Another process goes on.
    repository = fresh();
    expect(await steps(run)).toEqual(['more', 'ended']);
    expect(await progressOf(run)).toEqual([{ state: 'done', done: 250, total: 250 }]);
    expect(await found('eyes=green')).toBe(250);
    expect(await step(run)).toBe('ended');
  });

  test('waits for every transaction that was open when it was asked for, and finds what these have written', async () => {
    const release = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const late = inSession(repository, caller(), async (session) => {
      await create(session, withEyes('green'));
      // The statements are sent, so that the definitions have been checked.
      await session.trx.query({ text: 'SELECT 1' });
      written.resolve();
      await release.promise;
    });
    await written.promise;
    await activate();
    const run = await openRun();
    expect([await step(run), await step(run), await step(run)]).toEqual(['waiting', 'waiting', 'waiting']);
    release.resolve();
    await late;
    expect(await steps(run)).toEqual(['more', 'ended']);
    expect(await found('eyes=green')).toBe(1);
  });

  test('waits anew when it is asked for again before it has begun', async () => {
    await activate();
    const run = await openRun();
    expect(await step(run)).toBe('waiting');
    await activate({ ...parameter, code: 'eyes-too' });
    expect(await openRun()).toBe(run);
    expect(await steps(run)).toEqual(['waiting', 'more', 'ended']);
  });

  test('lets another one wait that is asked for meanwhile, and rings for it at its end', async () => {
    await post(withEyes('green'));
    await activate();
    const first = await openRun();
    await step(first);
    expect(await step(first)).toBe('more');
    await activate({ ...parameter, code: 'eyes-too' });
    const rows = await repository.tenantDoor(tenantId, (trx) =>
      trx.query<{ id: string }>({ text: "SELECT id FROM reindex WHERE state = 'waiting'" }),
    );
    const second = rows[0]?.id ?? '';
    expect(await step(second)).toBe('blocked');
    expect(await step(first)).toBe('ended');
    const rung = await repository.tenantDoor(tenantId, (trx) =>
      trx.query({
        text: 'SELECT resource_id FROM outbox WHERE event_key = $1',
        values: [`reindex-${second}-after-${first}`],
      }),
    );
    expect(rung).toEqual([{ resource_id: second }]);
    // The first parameter is ready, the second is not.
    expect(await found('eyes=green')).toBe(1);
    await expect(found('eyes-too=green')).rejects.toThrow('waits to be indexed');
    expect(await steps(second)).toEqual(['waiting', 'more', 'ended']);
    expect(await found('eyes-too=green')).toBe(1);
  });

  test('of a definition that was replaced meanwhile makes nothing ready', async () => {
    await post(withEyes('green'));
    const id = await activate();
    const first = await openRun();
    await step(first);
    await step(first);
    const other = { ...searchParameter({ ...parameter, expression: 'Patient.language' }), id };
    await inSession(repository, caller(), (session) =>
      write(session, [{ action: 'update', id, resource: other as unknown as Patient }]),
    );
    expect(await step(first)).toBe('ended');
    await expect(found('eyes=green')).rejects.toThrow('waits to be indexed');
    expect(await steps(await openRun())).toEqual(['waiting', 'more', 'ended']);
    expect(await found('eyes=green')).toBe(0);
  });

  test('keeps what is written to a resource while it is indexed', async () => {
    const id = await post(withEyes('green'));
    await activate();
    const run = await openRun();
    await step(run);
    await step(run);
    const release = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const writing = inSession(repository, caller(), async (session) => {
      await write(session, [{ action: 'update', id, resource: { ...withEyes('blue'), id } }]);
      await session.trx.query({ text: 'SELECT 1' });
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    await expect(step(run)).rejects.toMatchObject({ issues: [{ code: 'lock-error' }] });
    release.resolve();
    await writing;
    expect(await step(run)).toBe('ended');
    expect([await found('eyes=blue'), await found('eyes=green')]).toEqual([1, 0]);
  });
});

describe('a write that began with older definitions', () => {
  test('runs again with the new ones', async () => {
    const slow = believing();
    await post(withEyes('before'), slow);
    await activate();
    expect(await steps(await openRun())).toEqual(['waiting', 'more', 'ended']);
    await post(withEyes('after'), slow);
    expect(slow.loads).toEqual([0, 1]);
    expect([await found('eyes=before'), await found('eyes=after')]).toEqual([1, 1]);
  });

  test('also where it brings a definition itself', async () => {
    const slow = believing();
    await post(withEyes('before'), slow);
    await activate();
    const bundle = [withEyes('after'), searchParameter({ ...parameter, code: 'eyes-too' })];
    await inSession(slow, caller(), (session) =>
      write(
        session,
        bundle.map((resource) => ({ action: 'create', resource: resource as Patient })),
      ),
    );
    expect(slow.loads).toEqual([0, 1]);
    expect(await steps(await openRun())).toEqual(['waiting', 'more', 'ended']);
    expect([await found('eyes=after'), await found('eyes-too=after')]).toEqual([1, 1]);
  });

  test('does not run again for what it has changed itself', async () => {
    let runs = 0;
    await inSession(repository, caller(), async (session) => {
      runs += 1;
      await write(session, [{ action: 'create', resource: searchParameter(parameter) as unknown as Patient }]);
      await create(session, withEyes('green'));
    });
    expect(runs).toBe(1);
    expect(await steps(await openRun())).toEqual(['waiting', 'more', 'ended']);
    expect(await found('eyes=green')).toBe(1);
  });

  test('changes nothing for another tenant', async () => {
    const slow = believing();
    await post(withEyes('before'), slow);
    const own = tenantId;
    ({ tenantId } = await createTenant(made.doors, { name: `tenant-${++tenants}` }));
    await activate();
    tenantId = own;
    await post(withEyes('after'), slow);
    expect(slow.loads).toEqual([0]);
  });
});

test('the job of a run does all of it in one slice, and a second one beside it does nothing', async () => {
  await post(withEyes('green'));
  await activate();
  const runId = await openRun();
  let ended = 0;
  const [job] = createReindexModule(() => void ended++).jobs ?? [];
  const event = { ...eventOf(runId, 'test'), id: '00000000-0000-7000-8000-000000000000' };
  await inSession(repository, caller(), async (outer) => {
    await inSession(repository, caller(), async (other) => {
      const lock = 'SELECT pg_advisory_xact_lock($1::bigint)';
      await other.trx.query({ text: lock, values: [String(other.cipher.tokenOf(`reindex ${runId}`))] });
      await job?.run(event, outer);
    });
    expect([ended, await progressOf(runId)]).toEqual([0, [{ state: 'waiting', done: 0, total: 0 }]]);
    await job?.run(event, outer);
  });
  expect([ended, await progressOf(runId)]).toEqual([1, [{ state: 'done', done: 1, total: 1 }]]);
  expect(await found('eyes=green')).toBe(1);
});
