// The workflows' settings of a clinic that has set none.

import { type WorkflowSettings, workflowSettings } from '../../src/tenants/workflow-settings.ts';

export const defaultWorkflowSettings = Object.fromEntries(
  Object.entries(workflowSettings).map(([key, { byDefault }]) => [key, byDefault]),
) as unknown as WorkflowSettings;
