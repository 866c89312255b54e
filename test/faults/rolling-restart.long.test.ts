// A hundred rolling restarts (fault 26).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FaultBed } from './bed.ts';
import { restartInTurn } from './rolling-restarts.ts';

describe('rolling restarts', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
  });
  afterAll(() => bed.close());

  test('a hundred of them lose no request', async () => {
    expect(await restartInTurn(bed, 100)).toEqual({ problems: [], failures: {} });
  }, 900_000);
});
