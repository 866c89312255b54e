// The full figures of faults 16 and 17: a minute without Redis, and fifty times FLUSHALL.

import { describeWith } from '../support/machine.ts';
import { troubleRedis } from './redis-troubles.ts';

describeWith('redis', 'Redis in trouble under load', (program) =>
  troubleRedis(program, { flushes: 50, awayMs: 60_000 }),
);
