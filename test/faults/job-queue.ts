// BullMQ's own view of the job queue on either backend: for what its users would never do, and for looking at what they left.

import { createPostgresBackend, createRedisBackend, withBackend } from 'bullmq';
import { connectionSettings } from '../../src/database/pool.ts';
import { queueName, redisPrefix } from '../../src/jobs/queue.ts';
import { testRootKey } from '../support/database.ts';

/** In Redis where `redisUrl` is given; the caller closes it. */
export function openQueue(databaseUrl: string, redisUrl: string | undefined) {
  if (redisUrl !== undefined) {
    const { Queue } = withBackend(createRedisBackend);
    return new Queue(queueName, { connection: { url: redisUrl }, prefix: redisPrefix });
  }
  const { Queue } = withBackend(createPostgresBackend);
  const settings = connectionSettings({ databaseUrl, role: 'hpms_queue', rootKey: testRootKey }) as object;
  return new Queue(queueName, { connection: { ...settings, schema: 'jobs', migrate: false }, prefix: redisPrefix });
}

/** The ids of the jobs that wait, and of those that have begun: a job that the relay made has its event's id. */
export async function readQueue(
  databaseUrl: string,
  redisUrl?: string,
): Promise<{ readonly waiting: string[]; readonly active: string[] }> {
  const queue = openQueue(databaseUrl, redisUrl);
  try {
    const ids = async (...states: ('active' | 'waiting' | 'delayed')[]) =>
      (await queue.getJobs(states)).map(({ id }) => id ?? '');
    return { waiting: await ids('waiting', 'delayed'), active: await ids('active') };
  } finally {
    await queue.close();
  }
}

/** What the relay has not sent yet is in no queue. */
export async function isQueueEmpty(databaseUrl: string, redisUrl?: string): Promise<boolean> {
  const { waiting, active } = await readQueue(databaseUrl, redisUrl);
  return waiting.length + active.length === 0;
}
