// Waits until what was read and refused so far has its AuditEvents: they follow the answers (README, Reads are on record).

import { setTimeout as delay } from 'node:timers/promises';
import { withClient } from './database.ts';

/** jest's timeout is the limit. `databaseUrl` is a superuser's. */
export async function untilRecorded(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    while ((await client.query('SELECT FROM store.access_block LIMIT 1')).rowCount !== 0) await delay(20);
  });
}
