// Random conditional writes against a model that is a list of patients: https://hl7.org/fhir/R4/http.html#cond-update

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { FhirError } from '../../src/fhir/outcome.ts';
import type { WriteIntent, WriteResult } from '../../src/repository/change.ts';
import type { Repository } from '../../src/repository/session.ts';
import { buildPatient } from '../support/builders.ts';
import { type HandMade, makeByHand } from './hand-made.ts';

let bed: HandMade;
let repository: Repository;
beforeAll(async () => {
  bed = await makeByHand();
  repository = bed.with();
});
afterAll(() => bed.close());

interface Step {
  readonly action: 'add' | 'create' | 'update' | 'patch' | 'delete';
  /** The criteria's identifier. */
  readonly value: number;
  /** The identifiers of the body. */
  readonly body: readonly number[];
  /** For an update: no id in the body, that of some model patient, or one that nobody has. */
  readonly bodyId: number | undefined;
  readonly ifMatch: number | '*' | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('add', 'create', 'update', 'patch', 'delete'),
  value: fc.nat(3),
  body: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 2 }),
  bodyId: fc.option(fc.nat(4), { nil: undefined }),
  ifMatch: fc.option(fc.constantFrom<(number | '*')[]>(1, 2, '*'), { nil: undefined, freq: 4 }),
});

interface Known {
  readonly id: string;
  versionId: number;
  values: readonly number[];
  deleted: boolean;
}

/** What R4's tables say, over a list; ids are the server's, so the model learns them. */
class Model {
  readonly patients: Known[] = [];

  matches(value: number): Known[] {
    return this.patients.filter(({ deleted, values }) => !deleted && values.includes(value));
  }

  /** The outcome in one word, and what becomes of the list once the server has said the id. */
  expected(
    { action, value, body, ifMatch }: Step,
    bodyId: string | undefined,
  ): [string, (result: WriteResult) => void] {
    const found = this.matches(value);
    const [only] = found;
    const add = ({ id }: WriteResult) => void this.patients.push({ id, versionId: 1, values: body, deleted: false });
    const change = (known: Known, values: readonly number[] | undefined) => () => {
      known.versionId += 1;
      known.values = values ?? known.values;
      known.deleted = values === undefined;
    };
    const nothing = () => undefined;
    const isStale = ifMatch !== undefined && ifMatch !== '*' && ifMatch !== only?.versionId;
    if (action === 'add') return ['created', add];
    if (action === 'delete') {
      if (ifMatch !== undefined && (found.length !== 1 || isStale)) return ['412', nothing];
      return [`deleted ${found.length}`, () => void found.forEach((known) => void change(known, undefined)())];
    }
    if (found.length > 1) return ['412', nothing];
    if (action === 'create') return only ? [`found ${only.id}`, nothing] : ['created', add];
    if (action === 'patch') {
      if (!only) return ['404', nothing];
      return isStale ? ['412', nothing] : [`updated ${only.id} ${only.versionId + 1}`, change(only, body)];
    }
    if (only && bodyId !== undefined && bodyId !== only.id) return ['400', nothing];
    if (only) return isStale ? ['412', nothing] : [`updated ${only.id} ${only.versionId + 1}`, change(only, body)];
    const named = this.patients.find(({ id }) => id === bodyId);
    if (!named) return ifMatch === undefined ? ['created', add] : ['412', nothing];
    if (ifMatch !== undefined && (ifMatch === '*' ? named.deleted : ifMatch !== named.versionId))
      return ['412', nothing];
    if (!named.deleted) return ['409', nothing];
    const revive = () => {
      change(named, body)();
      named.deleted = false;
    };
    return ifMatch === '*' ? ['412', nothing] : [`updated ${named.id} ${named.versionId + 1}`, revive];
  }
}

function intentOf({ action, value, body, ifMatch }: Step, run: number, bodyId: string | undefined): WriteIntent {
  const identifier = body.map((number) => ({ system: 'urn:model', value: `${run}-${number}` }));
  const resource: Patient = buildPatient({ identifier, ...(bodyId === undefined ? {} : { id: bodyId }) });
  const criteria = { query: `identifier=urn:model|${run}-${value}` };
  const precondition = ifMatch === undefined ? {} : { ifMatchVersionId: ifMatch };
  if (action === 'add') return { action: 'create', resource };
  if (action === 'create') return { action, resource, ifNoneExist: criteria };
  if (action === 'update') return { action, resource, criteria, ...precondition };
  if (action === 'delete') return { action, type: 'Patient', criteria, ...precondition };
  const apply = ({ resource: current }: { resource: object }) => ({ resource: { ...current, identifier } as Patient });
  return { action, type: 'Patient', criteria, apply, ...precondition };
}

function wordOf(result: WriteResult | FhirError | undefined): string {
  if (!result || result instanceof Error) return String(result?.status);
  const { action, changed, id, versionId, deletedCount } = result;
  if (action === 'delete') return `deleted ${deletedCount ?? Number(changed)}`;
  if (action === 'create') return changed ? 'created' : `found ${id}`;
  return `updated ${id} ${versionId}`;
}

let runs = 0;

async function runSteps(steps: readonly Step[]): Promise<void> {
  runs += 1;
  const model = new Model();
  for (const one of steps) {
    const bodyId =
      one.action !== 'update' || one.bodyId === undefined
        ? undefined
        : (model.patients[one.bodyId]?.id ?? `own-${runs}-${one.bodyId}`);
    const [expected, apply] = model.expected(one, bodyId);
    const outcome = await bed.write(repository, [intentOf(one, runs, bodyId)]).then(
      ([result]) => result,
      (error: FhirError) => error,
    );
    expect(wordOf(outcome)).toBe(expected);
    if (outcome && !(outcome instanceof Error)) apply(outcome);
  }
}

test('whatever the order, each has the outcome of R4 tables, and versions have no gaps', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), runSteps), {
    numRuns: 60,
    seed: 20_261_120,
  });
});
