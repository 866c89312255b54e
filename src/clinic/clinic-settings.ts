// How the workflows come to a clinic's settings.

import type { Session } from '../repository/session.ts';
import type { WorkflowSettings } from '../tenants/workflow-settings.ts';

/** At once when they were asked for within the last second, else by a statement of the transaction's own. */
export type SettingsOf = (trx: Session['trx']) => WorkflowSettings | Promise<WorkflowSettings>;
