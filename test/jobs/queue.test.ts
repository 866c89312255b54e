// Which queue is taken and which is refused, and what the job code is told of the difference: nothing.

import { describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { fhirError } from '../../src/fhir/outcome.ts';
import { errorFields, type JobLog } from '../../src/jobs/observe.ts';
import { createQueues } from '../../src/jobs/queue.ts';
import { startJobs } from '../../src/jobs/start.ts';
import { UnsafeQueueError } from '../../src/jobs/unsafe-queue-error.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis } from '../support/redis.ts';
import { countingHandler, quickTiming } from './counting-handler.ts';

const errors: string[] = [];
const log: JobLog = {
  info: () => undefined,
  warn: () => undefined,
  error: (_, message) => void errors.push(message),
};
const metrics = {
  jobDone: () => undefined,
  jobFailed: () => undefined,
  jobDead: () => undefined,
  jobDropped: () => undefined,
  relayLag: () => undefined,
};

describeWith('redis', 'Redis as the queue', (program) => {
  test('is refused with any maxmemory-policy but noeviction: https://docs.bullmq.io/guide/going-to-production', async () => {
    const server = await startRedis(program);
    const client = new Redis(server.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const queues = createQueues({ redisUrl: server.url }, quickTiming, log);
    await expect(queues.connectProducer()).rejects.toThrow(UnsafeQueueError);
    const handlers = [countingHandler()];
    const worker = { tenantDoor: () => Promise.reject(new Error('not needed')), handlers, concurrency: 1 };
    const jobs = startJobs({ queues, worker, timing: quickTiming, log, metrics });
    await expect(jobs.ready).rejects.toThrow('maxmemory-policy allkeys-lru; allowed is noeviction');
    expect(errors).toEqual(['Redis has the maxmemory-policy allkeys-lru; allowed is noeviction.']);
    await jobs.close(5_000);
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await (await queues.connectProducer()).close();
    client.disconnect();
    await server.stop();
  });
});

describe('the composition', () => {
  test('refuses two handlers that the inbox could not tell apart', () => {
    const handlers = [countingHandler('same'), countingHandler('same')];
    const queues = createQueues({ redisUrl: 'redis://127.0.0.1:1' }, quickTiming, log);
    const worker = { tenantDoor: () => Promise.reject(new Error('not needed')), handlers, concurrency: 1 };
    expect(() => startJobs({ queues, worker, timing: quickTiming, log, metrics })).toThrow(
      'appointment.fulfilled same',
    );
  });
});

describe('what is logged of an error', () => {
  test('is its name, code and place, not its text, which may quote a patient', () => {
    const cause = Object.assign(new Error('Key (name)=(Jane Roe) already exists.'), { code: '23505' });
    const fields = errorFields(new TypeError('Jane Roe\n    is not a function', { cause }));
    expect(fields).toMatchObject({ error: 'TypeError', cause: { error: 'Error', code: '23505' } });
    expect(JSON.stringify(fields)).not.toContain('Jane');
    expect(JSON.stringify(fields)).toContain('queue.test.ts');
    expect(errorFields('Jane Roe')).toEqual({ error: 'string' });
    expect(errorFields(fhirError('transient', 'Try again.'))).toMatchObject({ message: 'Try again.' });
  });
});
