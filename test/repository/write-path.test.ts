// The write path and the modules' contract: each rule once per transaction with the list of its changes: architecture.md, Rooms

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient, Resource } from '@medplum/fhirtypes';
import { fhirError } from '../../src/fhir/outcome.ts';
import type { WriteIntent } from '../../src/repository/change.ts';
import { create } from '../../src/repository/create.ts';
import { remove } from '../../src/repository/delete.ts';
import { bindJobs } from '../../src/repository/jobs.ts';
import type { Module } from '../../src/repository/module.ts';
import { read } from '../../src/repository/read.ts';
import { update } from '../../src/repository/update.ts';
import { write } from '../../src/repository/write.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { type Call, type HandMade, makeByHand, noting } from './hand-made.ts';

let bed: HandMade;
beforeAll(async () => {
  bed = await makeByHand();
});
afterAll(() => bed.close());

const creating = (resource: Resource): WriteIntent => ({ action: 'create', resource });
const updating = (id: string, resource: Resource): WriteIntent => ({
  action: 'update',
  id,
  resource: { ...resource, id } as Resource,
});
const deleting = (type: string, id: string): WriteIntent => ({ action: 'delete', type, id });
const basic = (text: string): Resource => ({ resourceType: 'Basic', code: { text } });
const countBasics = () => bed.count("SELECT count(*) FROM resource WHERE type = 'Basic' AND NOT deleted");
const countAudits = () => bed.count('SELECT count(*) FROM audit_event');

describe('the rules of a type', () => {
  test('are called once each, in the order prepare, guard, effect, with the list of all changes', async () => {
    const calls: Call[] = [];
    const repository = bed.with(noting(calls, ['Patient', 'Observation']));
    await bed.write(repository, [updating('once', buildPatient())]);
    calls.length = 0;
    await bed.write(repository, [
      creating(buildPatient()),
      creating(buildObservation('Patient/once')),
      updating('once', buildPatient()),
      creating(basic('of no rule')),
      updating('once-more', buildPatient()),
      creating(buildObservation('Patient/once')),
    ]);
    const patients = ['create 0>1 none>new', 'update 1>2 old>new', 'create 0>1 none>new'];
    const observations = ['create 0>1 none>new', 'create 0>1 none>new'];
    expect(calls).toEqual(
      ['prepare', 'guard', 'effect'].flatMap((step) => [
        { step: `${step} Patient`, changes: patients },
        { step: `${step} Observation`, changes: observations },
      ]),
    );
  });

  test('of several modules run step by step in the order of the modules', async () => {
    const calls: Call[] = [];
    const first = noting(calls, ['Patient']);
    const second = noting(calls, ['Patient'], { name: 'second' });
    await bed.write(bed.with(first, second), [creating(buildPatient())]);
    expect(calls.map(({ step }) => step.split(' ')[0])).toEqual([
      'prepare',
      'prepare',
      'guard',
      'guard',
      'effect',
      'effect',
    ]);
  });

  test('see a deletion as a change without new content, and what comes back as one without old', async () => {
    const calls: Call[] = [];
    const repository = bed.with(noting(calls, ['Patient']));
    await bed.write(repository, [updating('back', buildPatient())]);
    await bed.write(repository, [deleting('Patient', 'back')]);
    await bed.write(repository, [updating('back', buildPatient())]);
    const guards = calls.filter(({ step }) => step.startsWith('guard')).flatMap(({ changes }) => changes);
    expect(guards).toEqual(['create 0>1 none>new', 'delete 1>2 old>none', 'update 2>3 none>new']);
  });

  test('are not called for other types, and not when nothing changes', async () => {
    const calls: Call[] = [];
    const repository = bed.with(noting(calls, ['Patient']));
    await bed.write(repository, [creating(basic('x')), deleting('Patient', 'never-was')]);
    expect(calls).toEqual([]);
  });

  test('run whoever writes: create, update, delete, and a job', async () => {
    const calls: Call[] = [];
    const module = noting(calls, ['Patient'], {
      jobs: [
        {
          topic: 'a',
          consumer: 'a-job',
          async run(_, session) {
            await create(session, buildPatient());
          },
        },
      ],
    });
    const repository = bed.with(module);
    const created = await bed.run(repository, (session) => create(session, buildPatient()));
    await bed.run(repository, (session) => update(session, created.id, { ...buildPatient(), id: created.id }));
    await bed.run(repository, (session) => remove(session, 'Patient', created.id));
    const [job] = bindJobs(repository, [module]);
    const event = { id: 'e', eventKey: 'k', topic: 'a', resourceType: 'Patient', resourceId: 'x', newVersionId: 1 };
    await bed.doors.tenantDoor(bed.tenantId, async (trx) => job?.run(trx, event));
    const actions = calls
      .filter(({ step }) => step.startsWith('effect'))
      .map(({ changes }) => changes.join().split(' ')[0]);
    expect(actions).toEqual(['create', 'update', 'delete', 'create']);
  });
});

describe('prepare', () => {
  const setting = (change: (patient: Patient) => void): Module => ({
    name: 'setting',
    prepare: [
      {
        name: 'set',
        type: 'Patient',
        run(changes) {
          for (const { resource } of changes) change(resource as Patient);
        },
      },
    ],
  });

  test('fills elements that are then validated, stored, indexed and answered', async () => {
    const identifier = [{ system: 'urn:number', value: '1' }];
    const repository = bed.with(setting((patient) => Object.assign(patient, { identifier })));
    const [result] = await bed.write(repository, [creating(buildPatient())]);
    expect(JSON.parse(result?.json ?? '')).toMatchObject({ identifier });
    const stored = await bed.run(repository, (session) => read(session, 'Patient', result?.id ?? ''));
    expect(JSON.parse(stored.body.toString())).toMatchObject({ identifier });
  });

  test('comes before validation: what it makes wrong is refused', async () => {
    const repository = bed.with(setting((patient) => Object.assign(patient, { gender: 'unknowable' })));
    await expect(bed.write(repository, [creating(buildPatient())])).rejects.toMatchObject({ status: 422 });
  });
});

describe('a guard that refuses', () => {
  test('leaves nothing: no row, no history, no AuditEvent, and no effect is run', async () => {
    const calls: Call[] = [];
    const refusing: Module = {
      name: 'refusing',
      guards: [
        {
          name: 'refuse',
          type: 'Basic',
          run() {
            throw fhirError('business-rule', 'Not today.');
          },
        },
      ],
    };
    const before = [await countBasics(), await countAudits()];
    const repository = bed.with(noting(calls, ['Basic']), refusing);
    await expect(bed.write(repository, [creating(buildPatient()), creating(basic('x'))])).rejects.toThrow('Not today.');
    expect([await countBasics(), await countAudits()]).toEqual(before);
    expect(calls.map(({ step }) => step)).toEqual(['prepare Basic', 'guard Basic']);
  });

  test('is asked before anything is written, with what is stored now', async () => {
    const seen: unknown[] = [];
    const looking: Module = {
      name: 'looking',
      guards: [
        {
          name: 'look',
          type: 'Basic',
          async run(changes, { trx }) {
            const rows = await trx.query({
              text: 'SELECT version_id FROM resource WHERE id = $1',
              values: [changes[0]?.id],
            });
            seen.push(rows);
          },
        },
      ],
    };
    const repository = bed.with(looking);
    await bed.write(repository, [updating('looked-at', basic('1'))]);
    await bed.write(repository, [updating('looked-at', basic('2'))]);
    expect(seen).toEqual([[], [{ version_id: 1 }]]);
  });
});

describe('effects', () => {
  /** Every write of a Basic asks for another one, so many times. */
  const chain = (length: number): Module => ({
    name: 'chain',
    effects: [
      {
        name: 'next',
        type: 'Basic',
        run(changes) {
          return changes.flatMap(({ resource }) => {
            const left = Number((resource as { code: { text: string } }).code.text.split(' ')[1] ?? length);
            return left > 0 ? [creating(basic(`chain ${left - 1}`))] : [];
          });
        },
      },
    ],
  });

  test('may ask for further resources, which are written with rules and AuditEvents of their own, in the same transaction', async () => {
    const calls: Call[] = [];
    const before = [await countBasics(), await countAudits()];
    const results = await bed.write(bed.with(noting(calls, ['Basic']), chain(3)), [
      creating(basic('chain 3')),
      creating(buildPatient()),
    ]);
    expect(results.map(({ type }) => type)).toEqual(['Basic', 'Patient']);
    expect(await countBasics()).toBe((before[0] ?? 0) + 4);
    expect(await countAudits()).toBe((before[1] ?? 0) + 5);
    expect(calls.filter(({ step }) => step === 'guard Basic')).toHaveLength(4);
  });

  test('of a bundle of 100 are one call, and their resources one write more', async () => {
    const calls: Call[] = [];
    await bed.write(
      bed.with(noting(calls, ['Basic']), chain(1)),
      Array.from({ length: 100 }, () => creating(basic('chain 1'))),
    );
    expect(calls.map(({ step, changes }) => `${step} ${changes.length}`)).toEqual([
      'prepare Basic 100',
      'guard Basic 100',
      'effect Basic 100',
      'prepare Basic 100',
      'guard Basic 100',
      'effect Basic 100',
    ]);
  });

  test('that go on without end are stopped, and nothing of it stays', async () => {
    const before = await countBasics();
    await expect(bed.write(bed.with(chain(1_000)), [creating(basic('chain 1000'))])).rejects.toThrow('without end');
    expect(await countBasics()).toBe(before);
  });

  test('that fail undo the write they belong to', async () => {
    const failing: Module = {
      name: 'failing',
      effects: [
        {
          name: 'fail',
          type: 'Basic',
          run({ length }, { trx }) {
            trx.execute({ text: `SELECT 1 / (${length} - 1)` });
            return [];
          },
        },
      ],
    };
    const before = [await countBasics(), await countAudits()];
    await expect(bed.write(bed.with(failing), [creating(basic('x'))])).rejects.toThrow();
    expect([await countBasics(), await countAudits()]).toEqual(before);
  });

  test('need no right of the caller for what they add', async () => {
    const limited = {
      ...bed.caller,
      grants: [{ context: 'system' as const, type: 'Patient', permissions: new Set(['c'] as const) }],
    };
    const adding: Module = {
      name: 'adding',
      effects: [{ name: 'add', type: 'Patient', run: () => [creating(basic('added'))] }],
    };
    const before = await countBasics();
    await bed.write(bed.with(adding), [creating(buildPatient())], limited);
    expect(await countBasics()).toBe(before + 1);
    await expect(bed.write(bed.with(adding), [creating(basic('x'))], limited)).rejects.toMatchObject({ status: 403 });
  });
});

describe('reactions', () => {
  const reacting: Module = {
    name: 'reacting',
    reactions: [
      {
        topic: 'test.topic',
        type: 'Basic',
        eventKeyOf: ({ resource, id }) =>
          (resource as { code?: { text?: string } })?.code?.text === 'loud' ? `loud-${id}` : undefined,
      },
    ],
  };
  const events = () =>
    bed.doors.tenantDoor(bed.tenantId, (trx) =>
      trx.query({
        text: `SELECT event_key, topic, resource_type, resource_id, old_version_id, new_version_id, status FROM outbox
               WHERE topic = 'test.topic' ORDER BY id`,
      }),
    );

  test('leave an outbox row per event in the transaction, with ids and versions, once for ever', async () => {
    const repository = bed.with(reacting);
    await bed.write(repository, [
      updating('r1', basic('quiet')),
      updating('r2', basic('loud')),
      creating(buildPatient()),
    ]);
    await bed.write(repository, [updating('r1', basic('loud')), updating('r2', basic('loud'))]);
    await bed.write(repository, [deleting('Basic', 'r1')]);
    expect(await events()).toEqual([
      {
        event_key: 'loud-r2',
        topic: 'test.topic',
        resource_type: 'Basic',
        resource_id: 'r2',
        old_version_id: null,
        new_version_id: 1,
        status: 'pending',
      },
      {
        event_key: 'loud-r1',
        topic: 'test.topic',
        resource_type: 'Basic',
        resource_id: 'r1',
        old_version_id: 1,
        new_version_id: 2,
        status: 'pending',
      },
    ]);
  });

  test('of a transaction that fails leave none', async () => {
    const before = await events();
    const repository = bed.with(reacting);
    await expect(
      bed.write(repository, [
        updating('r3', basic('loud')),
        creating({ resourceType: 'Patient', gender: 'x' } as never),
      ]),
    ).rejects.toThrow();
    await expect(
      bed.run(repository, async (session) => {
        await write(session, [updating('r4', basic('loud'))]);
        throw new Error('after the write');
      }),
    ).rejects.toThrow('after the write');
    expect(await events()).toEqual(before);
  });
});

describe('one write', () => {
  test('gives its results in the order of the intents, deletions of nothing among them', async () => {
    const repository = bed.with();
    const results = await bed.write(repository, [
      deleting('Basic', 'never-was'),
      creating(basic('x')),
      updating('ordered', basic('x')),
      deleting('Basic', 'neither'),
    ]);
    expect(results.map(({ action, changed, versionId }) => [action, changed, versionId])).toEqual([
      ['delete', false, 0],
      ['create', true, 1],
      ['create', true, 1],
      ['delete', false, 0],
    ]);
  });

  test('says which of its intents is at fault', async () => {
    const bad = { ...buildPatient(), gender: 'x' } as never;
    await expect(bed.write(bed.with(), [creating(basic('x')), creating(bad)])).rejects.toMatchObject({ writeIndex: 1 });
    await expect(bed.write(bed.with(), [creating(basic('x')), updating('..', basic('x'))])).rejects.toMatchObject({
      status: 400,
    });
    await expect(
      bed.write(bed.with(), [updating('same', basic('x')), updating('same', basic('y'))]),
    ).rejects.toMatchObject({ status: 400, writeIndex: 1 });
  });

  test('of 500 resources sends as many statements as one of 2', async () => {
    const statementsOf = async (size: number) => {
      let statements = 0;
      await bed.run(bed.with(), async (session) => {
        const { trx } = session;
        const counting = {
          tenantId: trx.tenantId,
          query: (statement: Parameters<typeof trx.query>[0]) => {
            statements++;
            return trx.query(statement);
          },
          execute: (statement: Parameters<typeof trx.execute>[0]) => {
            statements++;
            trx.execute(statement);
          },
        } as typeof trx;
        const intents = Array.from({ length: size }, (_, n) =>
          updating(`bulk-${size}-${n}`, buildObservation(`Patient/${n}`)),
        );
        await write({ ...session, trx: counting }, intents);
      });
      return statements;
    };
    expect(await statementsOf(500)).toBe(await statementsOf(2));
  });

  test('runs again after a deadlock and takes effect once', async () => {
    const before = await countBasics();
    const runs: string[] = [];
    const bothHold = Promise.withResolvers<void>();
    const locking = ([first, second]: readonly [number, number], name: string): Module => ({
      name,
      guards: [
        {
          name,
          type: 'Basic',
          async run(_, { trx }) {
            const lock = (key: number) => trx.query({ text: 'SELECT pg_advisory_xact_lock(77, $1)', values: [key] });
            await lock(first);
            if (runs.push(name) === 2) bothHold.resolve();
            await bothHold.promise;
            await lock(second);
          },
        },
      ],
    });
    await Promise.all([
      bed.write(bed.with(locking([1, 2], 'forward')), [creating(basic('x'))]),
      bed.write(bed.with(locking([2, 1], 'backward')), [creating(basic('x'))]),
    ]);
    expect(runs.length).toBeGreaterThan(2);
    expect(await countBasics()).toBe(before + 2);
  });
});
