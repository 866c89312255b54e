// Who may say that a visit never was: clinic administrators, and systems that no role limits (domain.md SM-1, section 5).

import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';

/** Throws 403 for everybody else. */
export function requireRetractor({ caller }: Session, { type, index }: Change): void {
  const isSystem = (caller.kind === 'client' && caller.roles.size === 0) || caller.kind === 'server';
  if (isSystem || caller.operations?.has('op:admin')) return;
  throw fhirError('forbidden', 'Only a clinic administrator may say that a visit was entered in error.', {
    expression: `${type}.status`,
    writeIndex: index,
  });
}
