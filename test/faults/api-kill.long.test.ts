// The full figure of fault 1: a hundred kills of the API process at random moments of its transactions.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { killApi } from './api-kills.ts';
import { FaultBed } from './bed.ts';

describe('kill -9 of the API process: fault 1', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
  });
  afterAll(() => bed.close());

  test('5 to 500 ms into bundles, a hundred times: each bundle has its effect once and wholly', async () => {
    expect(await killApi(bed, 100)).toEqual([]);
  });
});
