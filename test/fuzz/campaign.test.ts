// The fuzzer finds what is planted, makes it small and can do it again: https://fast-check.dev/docs/core-blocks/runners/

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { beginCampaign, type Campaign, goOn, isOver, runCampaign } from './campaign.ts';
import { minimize } from './minimize.ts';
import { failuresOf, tableOf } from './report.ts';
import { asTarget, type Outcome, type Target } from './target.ts';

const answered = (status: number): Outcome => ({ status, stage: 'parsed' });

function planted(run: (input: { text: string; list: number[] }) => Outcome | Promise<Outcome>): Target {
  const inputs = fc.record({ text: fc.string({ maxLength: 40 }), list: fc.array(fc.nat(100)) });
  return asTarget({ name: 'planted', share: 1, inputs, run });
}

const find = (target: Target) => runCampaign(target, { inputs: 3_000, seed: 1 });

describe('what is planted is found and made small', () => {
  test('an error that is no refusal', async () => {
    const campaign = await find(
      planted(({ list }) => {
        if (list.some((one) => one > 90)) throw new TypeError('reading of undefined');
        return answered(200);
      }),
    );
    expect(campaign.crashes).toBeGreaterThan(0);
    const [failure] = campaign.failures;
    expect(failure?.what).toContain('TypeError: reading of undefined');
    const { list } = JSON.parse(failure?.input ?? '{}') as { list: number[] };
    expect(list).toHaveLength(1);
    expect(failuresOf([campaign])[0]).toContain('--target planted --seed ');
  });

  test.each([500, 503])('an answer of %i', async (status) => {
    const campaign = await find(planted(async ({ text }) => answered(text.includes('a') ? status : 200)));
    expect(campaign.serverErrors).toBeGreaterThan(0);
    expect(JSON.parse(campaign.failures[0]?.input ?? '{}')).toEqual({ text: 'a' });
  });

  test('a changed prototype', async () => {
    const prototype = Object.prototype as { planted?: unknown };
    try {
      const campaign = await find(
        planted(({ text }) => {
          if (text.length > 5) prototype.planted = 1;
          return answered(200);
        }),
      );
      expect(campaign.failures[0]?.what).toContain('Object.prototype was changed');
    } finally {
      delete prototype.planted;
    }
  });

  test('a failure beside the answer', async () => {
    const outside = ['unhandledRejection: x'];
    const campaign = await runCampaign(
      planted(() => answered(200)),
      { inputs: 10, seed: 1, faultsOutside: () => outside.splice(0) },
    );
    expect(campaign.failures.map(({ what }) => what)).toEqual(['unhandledRejection: x']);
  });
});

test('where nothing is wrong, every input is counted once, by stage and by answer', async () => {
  const campaign = await find(
    planted(({ text }) => ({ status: text === '' ? 400 : 200, stage: text === '' ? 'refused' : 'sql' })),
  );
  expect(campaign.failures).toEqual([]);
  expect(campaign.inputs).toBe(3_000);
  expect((campaign.byStage.refused ?? 0) + campaign.byStage.sql).toBe(3_000);
  expect(campaign.byStatus[400]).toBe(campaign.byStage.refused);
  expect(tableOf([campaign]).split('\n')).toHaveLength(4);
});

test('the same seed makes the same inputs', async () => {
  const seen: string[][] = [[], []];
  for (const list of seen) {
    const target = planted(({ text }) => {
      list.push(text);
      return answered(200);
    });
    await find(target);
  }
  expect(seen[0]).toEqual(seen[1]);
  expect(new Set(seen[0]).size).toBeGreaterThan(1_000);
});

test('what was written down half-way goes on as if it had never been stopped', async () => {
  const target = planted(({ text, list }) => answered(text.length > list.length ? 200 : 400));
  const whole = await find(target);
  let campaign = beginCampaign(target, 1);
  while (!isOver(campaign, 3_000)) {
    campaign = JSON.parse(JSON.stringify(await goOn(target, campaign, { inputs: 3_000 }))) as Campaign;
  }
  const countsOf = ({ slices, inputs, byStage, byStatus }: Campaign) => ({ slices, inputs, byStage, byStatus });
  expect(countsOf(campaign)).toEqual(countsOf(whole));
  expect(campaign.slices).toBe(3);
});

test('a tree is made as small as it may be and still fail', async () => {
  const big = { a: [1, 2, { b: 'xxkeyxx', c: [null] }], d: { e: 'f' } };
  const smallest = await minimize(big, async (one) => (JSON.stringify(one) ?? '').includes('key'));
  expect(smallest).toEqual({ a: [{ b: 'key' }] });
});
