// The full figure of faults 4 and 5: PostgreSQL is killed or crashes twenty times in each way, or ROUNDS times, under load.

import { describe } from '@jest/globals';
import { dieUnderLoad } from './database-crashes.ts';

describe('PostgreSQL dies under load', () => dieUnderLoad(Number(process.env.ROUNDS ?? 20)));
