// Twice and ten times as many requests as can be answered, from people who ask again at once: what is answered is right, the rest
// is 503 with Retry-After, another clinic goes on, and it is over when they stop (fault 32).

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Flood } from './flood.ts';
import { bundleOf, Load } from './load.ts';
import { type MainProcess, startMain } from './processes.ts';

const seconds = Number(process.env.OVERLOAD_SECONDS ?? 60);
const lanes = 4;
const clients = 16;
/** No figure to reach: on a busy machine everything takes its time. */
const patienceMs = 180_000;

describe('more requests than can be answered', () => {
  let bed: FaultBed;
  let server: MainProcess;
  let load: Load;
  beforeAll(async () => {
    bed = await FaultBed.open();
    server = await startMain('all', { dataDir: bed.dataDir, databaseUrl: bed.database.url });
    bed.origin = server.origin;
    load = await Load.open(bed);
    await bed.a.request('POST', '', bundleOf('read by the flood', 100));
  });
  afterAll(() => bed.close());

  const openFlood = () =>
    new Flood({
      origin: server.origin,
      path: `/t/${bed.a.name}/fhir/Observation?_count=50&_total=accurate`,
      authorize: () => bed.a.authorize(),
    });

  test.each([2, 10])(
    '%d times as many',
    async (factor) => {
      const startedAt = new Date().toISOString();
      const before = load.intents.length;
      const capacity = await openFlood().measure(clients, 600);
      load.start(lanes);
      const flood = openFlood();
      const logged = server.lines.length;
      await flood.start(capacity * factor);
      const health = await probe(seconds * 1_000);
      const during = { ...flood.counts };
      const others = load.intents.length;
      // The lanes of the other clinic, and those of the flooded one, are served in the end.
      for (const client of [bed.a, bed.b]) {
        await waitFor(
          `answers to ${client.name}`,
          () => load.intents.filter((one, index) => index >= before && one.client === client && one.answer).length > 5,
          patienceMs,
        );
      }
      await flood.stop();
      const healed = load.intents.length;
      await waitFor('answers', () => load.intents.slice(healed).filter(({ answer }) => answer).length > 60, patienceMs);
      await load.stop();
      expect(new Set(load.intents.slice(healed + lanes).flatMap(({ attempts }) => attempts))).not.toContain(503);
      report({ factor, capacity, flood, during, health, logged, own: load.intents.slice(before, others) });
      const { 200: answered, 503: _refused, timeout: _late, ...wrong } = flood.counts;
      expect(wrong).toEqual({});
      expect(answered).toBeGreaterThan(0);
      const {
        200: _done,
        201: _made,
        409: _clash,
        503: _away,
        ...failures
      } = countStatuses(load.intents.slice(before));
      expect(failures).toEqual({});
      expect(await findProblems(bed, load.intents.slice(before))).toEqual([]);
      const refused = (flood.counts['503'] ?? 0) + (countStatuses(load.intents.slice(before))['503'] ?? 0);
      let told = 0;
      const isTold = async () => {
        told = await turnedAwaySince(startedAt);
        // Of twice as many it may be that all are answered in the end.
        return told > 0 || factor === 2;
      };
      await waitFor('AuditEvents of what was turned away', isTold);
      expect(told).toBeLessThanOrEqual(refused);
      console.log(`${factor} times: ${refused} answers of 503, ${told} turned away unread by AuditEvents`);
    },
    seconds * 2_000 + 300_000,
  );

  /** As the AuditEvents of both clinics say by now. */
  async function turnedAwaySince(time: string): Promise<number> {
    const events = await Promise.all(
      [bed.a, bed.b].map((one) => one.all<AuditEvent>('AuditEvent', `&outcome=8&action=E&date=ge${time}`)),
    );
    const details = events.flat().flatMap(({ entity = [] }) => entity.flatMap(({ detail = [] }) => detail));
    return details.reduce((sum, { type, valueString }) => sum + (type === 'requests' ? Number(valueString) : 0), 0);
  }

  /** Health answers all the while. */
  async function probe(forMs: number): Promise<number[]> {
    const tookMs: number[] = [];
    for (const end = performance.now() + forMs; performance.now() < end; await delay(200)) {
      const startedAt = performance.now();
      expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
      tookMs.push(performance.now() - startedAt);
    }
    return tookMs.sort((a, b) => a - b);
  }

  function report(run: {
    readonly factor: number;
    readonly capacity: number;
    readonly flood: Flood;
    readonly during: Flood['counts'];
    readonly health: number[];
    readonly logged: number;
    readonly own: Load['intents'];
  }): void {
    const { factor, capacity, flood, during, health, logged, own } = run;
    const took = flood.answeredMs.sort((a, b) => a - b);
    const at = (sorted: number[], share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    const answeredOf = (client: FaultBed['a']) => {
      const mine = own.filter((intent) => intent.client === client);
      return `${mine.filter(({ answer }) => answer).length} of ${mine.length}`;
    };
    const jobsFailed = server.lines.slice(logged).filter(({ msg }) => msg.startsWith('A job failed')).length;
    const peak = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1];
    console.log(`${factor} times`, {
      capacityPerSecond: Math.round(capacity),
      offeredPerSecond: Math.round(Object.values(during).reduce((sum, count) => sum + count, 0) / seconds),
      turnedAwayByProxy: flood.turnedAway,
      answeredPerSecond: Math.round((during['200'] ?? 0) / seconds),
      refusedPerSecond: Math.round((during['503'] ?? 0) / seconds),
      ...flood.counts,
      answeredMs: { p50: at(took, 0.5), p99: at(took, 0.99) },
      healthMs: { p50: at(health, 0.5), max: at(health, 0.9999) },
      lanes: { a: answeredOf(bed.a), b: answeredOf(bed.b) },
      jobsFailed,
      peakMegabytes: Math.round(Number(peak) / 1_024),
    });
  }
});
