// A hundred rolling restarts, or RESTARTS of them (fault 26).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FaultBed } from './bed.ts';
import { restartInTurn } from './rolling-restarts.ts';

const restarts = Number(process.env.RESTARTS ?? 100);
/** On a busy machine. */
const secondsEach = 60;

describe('rolling restarts', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
  });
  afterAll(() => bed.close());

  test(
    `${restarts} of them lose no request`,
    async () => {
      expect(await restartInTurn(bed, restarts)).toEqual({ problems: [], failures: {} });
    },
    60_000 + restarts * secondsEach * 1_000,
  );
});
