// PostgreSQL is killed or crashes under load: 503 with Retry-After meanwhile, recovery without a restart of ours, nothing acknowledged is lost.

import { describe } from '@jest/globals';
import { dieUnderLoad } from './database-crashes.ts';

describe('PostgreSQL dies under load', () => dieUnderLoad(1));
