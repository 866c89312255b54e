// What the routes of the system's administrators work with.

import type { Caller } from '../../access/caller.ts';
import type { SystemDoor } from '../../database/system-transaction.ts';
import type { Repository } from '../../repository/session.ts';

export interface SystemAdminContext {
  readonly caller: Caller;
  readonly repository: Repository;
  readonly systemDoor: SystemDoor;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}
