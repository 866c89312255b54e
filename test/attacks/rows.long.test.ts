// The same as rows.test.ts with far more callers, drawn anew each time; a failure tells its seed.

import { testRows } from './rows-doors.ts';

testRows(1_000, Date.now() % 1_000_000_000);
