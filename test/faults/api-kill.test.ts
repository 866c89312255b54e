// SIGKILL of the API in the middle of its transactions: what was acknowledged is whole, what was not is whole or absent (fault 1).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { killApi } from './api-kills.ts';
import { FaultBed } from './bed.ts';

describe('kill -9 of the API process: fault 1', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
  });
  afterAll(() => bed.close());

  test('5 to 500 ms into bundles, five times: each bundle has its effect once and wholly', async () => {
    expect(await killApi(bed, 5)).toEqual([]);
  }, 60_000);
});
