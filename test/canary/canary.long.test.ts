// The canary proof over all 146 types, with a backup and for both queues, as `npm run privacy:canary` does it.

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis } from '../support/redis.ts';
import { describeFinds, isOutside, runCanaries } from './canary-run.ts';
import { expectedControls, isFound } from './expected-controls.ts';

async function prove(redisUrl?: string): Promise<void> {
  const definitions = loadDefinitions();
  const result = await runCanaries({
    ...{ definitions, validate: createValidator(definitions), redisUrl, withBackup: true, everything: true },
    ...{ types: [...definitions.resourceTypes], variants: 2, progress: () => undefined },
  });
  expect(result.faults).toEqual([]);
  expect(result.elements.stored.size).toBeGreaterThan(16_000);
  expect(describeFinds(result.finds.filter(isOutside))).toEqual([]);
  expect([...result.columns.outside]).toEqual([]);
  expect(result.columns.unknown).toEqual([]);
  const expected = expectedControls(result.controls, redisUrl !== undefined, true);
  expect(expected.filter((control) => !isFound(control, result.finds))).toEqual([]);
}

describe('with the queue in PostgreSQL', () => {
  test('nothing that tells who a patient is can be read in what is left behind', () => prove());
});

describeWith('redis', 'with the queue in Redis', (program) => {
  test('nothing that tells who a patient is can be read in what is left behind', async () => {
    const redis = await startRedis(program);
    try {
      await prove(redis.url);
    } finally {
      await redis.stop();
    }
  });
});
