// The jobs' figures among the measurements of this process.

import type { JobMetrics } from '../jobs/observe.ts';
import type { Metrics } from './metrics.ts';

export function createJobMetrics(metrics: Metrics): JobMetrics {
  const done = metrics.histogram('hpms_job_seconds', 'Duration of jobs that were done.', ['topic']);
  const failed = metrics.counter('hpms_jobs_failed_total', 'Attempts that failed and are made again.', ['topic']);
  const dead = metrics.counter('hpms_jobs_dead_total', 'Jobs that nobody tries again.', ['topic']);
  const dropped = metrics.counter('hpms_jobs_dropped_total', 'Jobs that name no event of their tenant.', []);
  let lagMs = 0;
  metrics.gauge('hpms_outbox_lag_seconds', 'Age of the oldest event the queue had not got.', () => lagMs / 1_000);
  return {
    jobDone: (topic, durationMs) => done.labels(topic).observe(durationMs / 1_000),
    jobFailed: (topic) => failed.labels(topic).inc(),
    jobDead: (topic) => dead.labels(topic).inc(),
    jobDropped: () => dropped.inc(),
    relayLag(ms) {
      lagMs = ms;
    },
  };
}
