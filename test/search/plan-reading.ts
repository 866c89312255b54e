// What a statement reads for a large tenant by the plan that a connection made of it for one where nothing is.

import type { SearchStatement } from '../../src/search/compile/sql.ts';
import type { TwoTenants } from '../tenancy/two-tenants.ts';
import { type PlanMode, type Reading, readingOf } from './plan-rows.ts';

/** Planned for tenant b, run for tenant a. */
export function readingIn(tenants: TwoTenants, mode: PlanMode, statement: SearchStatement): Promise<Reading> {
  const { values } = statement;
  const planned = { tenantId: tenants.b, values };
  const measured = { tenantId: tenants.a, values };
  return tenants.connect('hpms_app', (client) => readingOf(client, { statement, mode, planned, measured }));
}
