// The administration API of a tenant, `/t/{tenant}/admin`, as data: its handlers and its OpenAPI document are made from it (contract.md 47).

import type { AdminRoute } from '../admin-route.ts';
import { clientRoutes } from './client-routes.ts';
import { departmentRoutes } from './department-routes.ts';
import { providerRoutes } from './provider-routes.ts';
import { roleRoutes } from './role-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { settingRoutes } from './setting-routes.ts';
import { staffRoutes } from './staff-routes.ts';
import { taxRuleRoutes } from './tax-rule-routes.ts';
import { type TenantAdmin, tenantRoute } from './tenant-route.ts';

export const adminRoutes: readonly AdminRoute<TenantAdmin>[] = [
  ...staffRoutes,
  ...sessionRoutes,
  ...roleRoutes,
  ...clientRoutes,
  ...providerRoutes,
  ...settingRoutes,
  ...departmentRoutes,
  ...taxRuleRoutes,
].map(tenantRoute);
