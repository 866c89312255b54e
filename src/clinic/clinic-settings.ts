// How the workflows come to a clinic's settings.

import type { WorkflowSettings } from '../tenants/workflow-settings.ts';

/** At once when they were asked for within the last second. */
export type SettingsOf = (tenantId: number) => WorkflowSettings | Promise<WorkflowSettings>;
