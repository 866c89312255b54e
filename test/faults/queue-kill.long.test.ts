// The full figure of domain.md section 3.6 for the queue: 200 events at concurrency 20, 20 rounds of kills at every failure point.

import { expect, test } from '@jest/globals';
import { onBothBackends } from '../jobs/job-bed.ts';
import { failurePoints, killAtEveryPoint, killTiming } from './queue-kills.ts';

const rounds = 20;
const events = 200;

onBothBackends(`${rounds} rounds of kills`, (bed) => {
  test.each(Array.from({ length: rounds }, (_, n) => n + 1))(
    `round %i: ${events} events that are written while processes die have one effect each`,
    async (round) => {
      const adding = Promise.all(
        Array.from({ length: 20 }, async () => {
          const ids: string[] = [];
          while (ids.length < events / 20) ids.push(...(await bed().add(1)));
          return ids;
        }),
      );
      const interruptions = await killAtEveryPoint(bed(), (point) =>
        point === 'relay-added' ? 1 : 1 + ((round * 7) % 20),
      );
      expect(interruptions).toEqual(failurePoints.map((point) => `interrupted ${point}`));
      const ids = (await adding).flat();
      const survivor = bed().start({ ...killTiming, concurrency: 8 });
      await bed().allAre('done', ids);
      await survivor.close(5_000);
      expect(await bed().effects(ids)).toEqual(Array(events).fill(1));
    },
  );
});
