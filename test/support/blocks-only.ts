// A server whose access trail stores what was read and makes no AuditEvents of it, as if it died before: `startTestServer({ openTrail: blocksOnly })`.

import { type AccessTrail, type AccessTrailOptions, createAccessTrail } from '../../src/audit/trail/access-trail.ts';

const noExpander = { add: () => undefined, keptUp: () => undefined, close: () => Promise.resolve() };

export function blocksOnly(options: AccessTrailOptions): AccessTrail {
  return createAccessTrail({ ...options, leavesToWorkers: false, expander: noExpander });
}

/** The same of a process that leaves its blocks to workers. */
export function blocksForWorkers(options: AccessTrailOptions): AccessTrail {
  return createAccessTrail({ ...options, leavesToWorkers: true, expander: noExpander });
}
