// Relay and worker are killed at every point where something is half done, blocked, or asked to stop: each event has one effect.

import { expect, test } from '@jest/globals';
import { onBothBackends, until } from '../jobs/job-bed.ts';
import { failurePoints, killAtEveryPoint, killTiming, startProcess } from './queue-kills.ts';

onBothBackends('processes that end', (bed) => {
  test('SIGKILL before and after the effect, before the acknowledgement, between add and mark: faults 2 and 3', async () => {
    const ids = (await Promise.all(Array.from({ length: 60 }, () => bed().add(1)))).flat();
    const interruptions = await killAtEveryPoint(bed(), (point) => (point === 'relay-added' ? 1 : 3));
    expect(interruptions).toEqual(failurePoints.map((point) => `interrupted ${point}`));
    const survivor = bed().start(killTiming);
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(60).fill(1));
    await survivor.close(5_000);
  });

  test('SIGTERM under load: what runs is finished, nothing is interrupted, exit code 0: fault 26', async () => {
    const leaving = startProcess(bed());
    await leaving.said('running');
    const staying = bed().start(killTiming);
    await staying.ready;
    const stalledBefore = interruptedIn(bed().logged);
    const adding = Promise.all(Array.from({ length: 100 }, () => bed().add(1)));
    leaving.child.kill('SIGTERM');
    expect(await leaving.exited).toEqual({ code: 0, signal: null });
    const ids = (await adding).flat();
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(100).fill(1));
    expect((await bed().outbox(ids)).filter((row) => row.attempts > 0)).toEqual([]);
    expect(interruptedIn(bed().logged)).toBe(stalledBefore);
    expect(leaving.lines.filter((line) => line.startsWith('log error'))).toEqual([]);
    await staying.close(5_000);
  });

  test('a worker that is blocked loses its job to another one, and the second run has no effect: fault 22', async () => {
    const blocked = startProcess(bed(), { blockMs: 3_000, concurrency: 1 });
    await blocked.said('running');
    const ids = await bed().add(1);
    await blocked.said('blocking');
    const stalledBefore = interruptedIn(bed().logged);
    const other = bed().start(killTiming);
    await until(() => interruptedIn(bed().logged) > stalledBefore);
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual([1]);
    await other.close(5_000);
    blocked.child.kill('SIGTERM');
    expect(await blocked.exited).toEqual({ code: 0, signal: null });
    expect(await bed().effects(ids)).toEqual([1]);
  });

  function interruptedIn(logged: readonly { readonly message: string }[]): number {
    return logged.filter(({ message }) => message.includes('was interrupted')).length;
  }
});
