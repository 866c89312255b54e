// A pool of one connection, so that each transaction runs on what the one before left.

import { createPool, type Pool } from '../../src/database/pool.ts';
import { testRootKey } from '../support/database.ts';

export function singleConnection(databaseUrl: string): Pool {
  return createPool({
    databaseUrl,
    role: 'hpms_app',
    rootKey: testRootKey,
    connectionsMax: 1,
    waitingMax: 100,
    onIdleError: () => undefined,
  });
}
