// Who may see a Binary: whoever may read what its securityContext names: https://hl7.org/fhir/R4/binary.html#security-context

import type { Reference } from '@medplum/fhirtypes';
import { may } from '../access/may.ts';
import { referenceType } from '../fhir/fhirpath/reference-type.ts';
import { parseReference } from '../fhir/references.ts';
import { idsThatMeet, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';

/**
 * Beside the right on Binary the caller needs the right to read the type the context names; a context that does not say
 * its type is for those who may read every type. Without a context the right on Binary is enough. Who may read some
 * resources of the type only must be able to read this one.
 */
export async function mayReadContext(session: Session, securityContext: Reference | undefined): Promise<boolean> {
  if (securityContext === undefined) return true;
  const type = referenceType(securityContext) ?? '*';
  if (!may(session.caller, 'r', type)) return false;
  const rows = type === '*' ? undefined : rowsOf(session, 'r', type);
  if (!rows) return true;
  const target = parseReference(securityContext.reference ?? '');
  // Binaries that protect each other could go on without end.
  if (target.kind !== 'resource' || target.type === 'Binary' || target.type !== type) return false;
  return (await idsThatMeet(session, target.type, [target.id], rows.criteria)).size > 0;
}
