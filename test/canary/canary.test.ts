// Nothing that tells who a patient is can be read in what an HPMS leaves behind: security.md 1.10 and attack 124. All types: canary.long.test.ts.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { describeFinds, type Find, isOutside, type RunResult, runCanaries, searchRedis } from './canary-run.ts';
import { expectedControls, isFound } from './expected-controls.ts';
import { placeNames } from './places.ts';

const timeoutMs = 120_000;

/** Every datatype is in the extensions of Basic; the others have tables, rules or readable columns of their own. */
const types = ['Basic', 'DocumentReference', 'Encounter', 'CodeSystem', 'ValueSet', 'ConceptMap'];

describe('with the queue in PostgreSQL', () => {
  let result: RunResult;
  beforeAll(async () => {
    const definitions = loadDefinitions();
    const validate = createValidator(definitions);
    const progress = () => undefined;
    result = await runCanaries({
      definitions,
      validate,
      types,
      variants: 1,
      withBackup: false,
      everything: false,
      progress,
    });
  }, timeoutMs);

  test('everything was stored and can be read by whoever may; what was wrong was refused, nothing failed the server', () => {
    expect(result.faults).toEqual([]);
    expect(result.elements.stored.size).toBeGreaterThan(800);
    expect(result.elements.searches).toBeGreaterThan(50);
  });

  test.each(placeNames)('no canary is in: %s', (place) => {
    expect(describeFinds(result.finds.filter((find) => find.place === place && isOutside(find)))).toEqual([]);
  });

  test('no column of text holds one, but for the declared ones, which all exist', () => {
    const { columns, unknown, outside, inside } = result.columns;
    expect(columns).toBeGreaterThan(300);
    expect([...outside]).toEqual([]);
    expect(unknown).toEqual([]);
    for (const column of ['resource.id', 'value_set.url', 'concept_map.url', 'client.redirect_uris']) {
      expect([...inside.keys()]).toContain(`store.${column}`);
    }
  });

  test('what must be found is found: plants of every form, ids, moments, statements, a request id, a job, a series', () => {
    const expected = expectedControls(result.controls, false, false);
    expect(expected.filter((control) => !isFound(control, result.finds))).toEqual([]);
  });
});

describeWith('redis', 'with the queue in Redis', (program) => {
  let redis: TestRedis | undefined;
  let finds: readonly Find[];
  beforeAll(async () => {
    redis = await startRedis(program);
    finds = await searchRedis(redis.url);
  }, timeoutMs);
  afterAll(() => redis?.stop());

  test('no canary and no id is in its files and in the log, and a job is in its files', () => {
    expect(describeFinds(finds.filter(isOutside))).toEqual([]);
    for (const file of ['appendonly', 'dump.rdb']) {
      expect(finds.some(({ word, name }) => word === 'jobTopic' && name.includes(file))).toBe(true);
    }
  });
});
