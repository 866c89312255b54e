// Ten thousand inputs in every run of the tests, most of them made so that they are read: no crash, no 5xx, no prototype changed (security.md 2E).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Campaign, runCampaign } from './campaign.ts';
import { readCorpus } from './corpus.ts';
import { failuresOf } from './report.ts';
import { stages, type Target } from './target.ts';
import { parserTargets } from './targets/parsers.ts';
import { openServerTargets, type ServerTargets } from './targets/server.ts';

/** Another one by FUZZ_SEED; `npm run fuzz` takes a new one each time. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_120);

/** Of 10,000; what is not a parser goes over HTTP into the database and takes a hundred times as long. */
const counts: Readonly<Record<string, number>> = {
  ...{ json: 1_300, xml: 1_200, search: 2_200, fhirpath: 1_800, headers: 1_100 },
  ...{
    'json-patch': 700,
    'fhirpath-patch': 600,
    'merge-patch': 460,
    rest: 400,
    bundle: 100,
    bearer: 100,
    assertion: 40,
  },
};

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
let server: TestServer;
let open: ServerTargets;
beforeAll(async () => {
  process.on('unhandledRejection', note);
  server = await startTestServer();
  open = await openServerTargets(server);
});
afterAll(async () => {
  process.off('unhandledRejection', note);
  await open.close();
  await server.close();
});

const targetOf = (name: string): Target =>
  [...parserTargets, ...open.targets].find((target) => target.name === name) as Target;

/** At least half of what is made by a grammar must pass it, or nothing behind it would be looked at. */
function shareRead({ inputs, byStage }: Campaign): number {
  return stages.slice(1).reduce((sum, stage) => sum + byStage[stage], 0) / inputs;
}

describe(`seed ${seed}`, () => {
  test.each(Object.entries(counts))(
    '%s: %i inputs are answered, and half of them were read',
    async (name, inputs) => {
      const campaign = await runCampaign(targetOf(name), { inputs, seed, faultsOutside: () => open.faultsOutside() });
      expect(failuresOf([campaign])).toEqual([]);
      expect(campaign.inputs).toBe(inputs);
      expect(shareRead(campaign)).toBeGreaterThan(0.5);
      expect(unhandled).toEqual([]);
    },
    60_000,
  );

  test('that makes 10,000', () => {
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(10_000);
    expect([...parserTargets, ...open.targets].map(({ name }) => name).sort()).toEqual(Object.keys(counts).sort());
  });
});

describe('what once did harm', () => {
  test.each(readCorpus().map((kept) => [kept.file, kept.why, kept] as const))('%s: %s', async (_file, _why, kept) => {
    const { status } = await targetOf(kept.target).run(kept.input);
    expect(status).toBeLessThan(500);
  });
});
