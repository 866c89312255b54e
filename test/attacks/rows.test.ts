// For random rights and records, every door shows what a plain description says, to the callers of two tenants.

import { testRows } from './rows-doors.ts';

testRows(30, 20_261_120);
