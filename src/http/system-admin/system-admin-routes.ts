// Puts the API of the system's administrators into the router.

import type Router from '@koa/router';
import type { SystemDoor } from '../../database/system-transaction.ts';
import type { Repository } from '../../repository/session.ts';
import type { AdmitOptions } from '../admit.ts';
import type { HttpState } from '../middleware/request-state.ts';
import { mountAdminRoutes } from '../mount-admin-routes.ts';
import { admitSystem, type Refused } from './admit-system.ts';
import { recordCall, recordRefusal } from './record-call.ts';
import { systemAdminBase, systemAdminRoutes } from './routes.ts';

export interface SystemAdminOptions {
  readonly admit: AdmitOptions;
  readonly repository: Repository;
  readonly systemDoor: SystemDoor;
}

export function createSystemAdminRoutes(router: Router<HttpState>, options: SystemAdminOptions): void {
  const { admit, repository, systemDoor } = options;
  const { publicUrl } = admit;
  mountAdminRoutes(router, {
    base: systemAdminBase,
    routes: systemAdminRoutes,
    repository,
    async admit(ctx) {
      const onRefused = async (refused: Refused) => {
        await recordRefusal(repository, refused);
        if (ctx.state.access) ctx.state.access.isRecorded = true;
      };
      return { caller: await admitSystem({ ...admit, onRefused }, ctx), repository, systemDoor, publicUrl };
    },
    record: recordCall,
  });
}
