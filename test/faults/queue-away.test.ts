// The queue goes away, forgets everything, or loses its connections: no write fails for it and every event has its effect once.

import { expect, test } from '@jest/globals';
import { countingHandler } from '../jobs/counting-handler.ts';
import { onBothBackends, runSql, until } from '../jobs/job-bed.ts';

onBothBackends('a queue in trouble', (bed) => {
  const warned = (text: string) => bed().logged.filter(({ message }) => message.includes(text)).length;

  test('away: writes go on and events wait; back: they are handled: fault 16', async () => {
    const jobs = bed().start();
    await jobs.ready;
    const before = warned('could not publish');
    await bed().queue.goAway();
    const ids = await bed().add(20);
    await until(() => warned('could not publish') >= before + 3);
    expect(new Set((await bed().outbox(ids)).map((row) => row.status))).toEqual(new Set(['pending']));
    expect(bed().lagsMs.at(-1)).toBeGreaterThan(0);
    await bed().queue.comeBack();
    await bed().allAre('done', ids);
    await until(() => bed().lagsMs.at(-1) === 0);
    expect(await bed().effects(ids)).toEqual(Array(20).fill(1));
    await jobs.close(5_000);
  });

  test('away at the start: the parts start when it comes', async () => {
    await bed().queue.goAway();
    const jobs = bed().start();
    const ids = await bed().add(3);
    await until(() => warned('queue is away') >= 2);
    await bed().queue.comeBack();
    await jobs.ready;
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual([1, 1, 1]);
    await jobs.close(5_000);
  });

  test('away at the end: closing does not wait for it', async () => {
    await bed().queue.goAway();
    const jobs = bed().start();
    await jobs.close(5_000);
    await bed().queue.comeBack();
    await jobs.ready;
  });

  test('away while a job runs: its effect is kept and not repeated', async () => {
    const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handler = countingHandler('count', async () => {
      running.resolve();
      await finish.promise;
    });
    const jobs = bed().start({ handlers: [handler] });
    const ids = await bed().add(3);
    await running.promise;
    await bed().queue.goAway();
    finish.resolve();
    const more = await bed().add(3);
    await bed().queue.comeBack();
    await bed().allAre('done', [...ids, ...more]);
    expect(await bed().effects([...ids, ...more])).toEqual(Array(6).fill(1));
    await jobs.close(5_000);
  });

  test('flushed with everything in it: the sweeper publishes again: fault 17', async () => {
    const relay = bed().start({ parts: 'relay' });
    const ids = await bed().add(40);
    await bed().allAre('published', ids);
    await bed().queue.flush(bed().database);
    const worker = bed().start({ parts: 'worker' });
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(40).fill(1));
    await Promise.all([relay.close(5_000), worker.close(5_000)]);
  });

  test('flushed again and again under load: fault 17', async () => {
    const jobs = bed().start({ attemptsMax: 50 });
    const ids: string[] = [];
    for (let round = 0; round < 8; round++) {
      ids.push(...(await bed().add(25)));
      await bed().queue.flush(bed().database);
    }
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(200).fill(1));
    await jobs.close(5_000);
  });

  test('all database sessions are ended, again and again: relay and worker come back by themselves', async () => {
    const jobs = bed().start({ attemptsMax: 50 });
    await jobs.ready;
    const ids: string[] = [];
    for (let round = 0; round < 5; round++) {
      ids.push(...(await bed().add(20)));
      await endSessions('hpms_%');
    }
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(100).fill(1));
    await jobs.close(5_000);
  });

  test('a lost LISTEN is made again: the relay hears without polling', async () => {
    const jobs = bed().start({ pollMs: 600_000 });
    await jobs.ready;
    const first = await bed().add(1);
    await bed().allAre('done', first);
    await endSessions('hpms_system');
    const second = await bed().add(1);
    await bed().allAre('done', second);
    expect(warned('does not hear')).toBeGreaterThanOrEqual(1);
    await jobs.close(5_000);
  });

  function endSessions(roles: string): Promise<unknown> {
    return runSql(
      bed().database.url,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE $1',
      [roles],
    );
  }
});
