// Redis stops, or forgets everything, under load: no request fails for it, and every event has its effect once (faults 16 and 17).

import { describeWith } from '../support/machine.ts';
import { troubleRedis } from './redis-troubles.ts';

describeWith('redis', 'Redis in trouble under load', (program) => troubleRedis(program, { flushes: 10, awayMs: 0 }));
