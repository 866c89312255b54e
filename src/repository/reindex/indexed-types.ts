// The resource types whose rows can be indexed again.

import type { Definitions } from '../../fhir/definitions.ts';
import { auditEventType } from '../audit-rows.ts';

/** In their order. AuditEvents are written once, with what they are found by. */
export function indexedTypes({ resourceTypes }: Definitions): readonly string[] {
  return [...resourceTypes].filter((type) => type !== auditEventType).sort();
}
