// A server whose access trail stores what was read and makes no AuditEvents of it, as if it died before: `startTestServer({ openTrail: blocksOnly })`.

import { type AccessTrail, type AccessTrailOptions, createAccessTrail } from '../../src/audit/trail/access-trail.ts';

export function blocksOnly(options: AccessTrailOptions): AccessTrail {
  const expander = { add: () => undefined, keptUp: () => undefined, close: () => Promise.resolve() };
  return createAccessTrail({ ...options, leavesToWorkers: false, expander });
}
