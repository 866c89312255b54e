// Update, also of an id that does not exist yet, or of what meets criteria: https://hl7.org/fhir/R4/http.html#update

import type { Resource } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { Criteria, ExactNumbers, Preconditions, WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

export interface UpdateOptions extends Preconditions {
  readonly exactNumbers?: ExactNumbers;
}

export async function update(
  session: Session,
  id: string,
  resource: Resource,
  options: UpdateOptions = {},
): Promise<WriteResult> {
  requireSameId(id, resource);
  const [result] = await write(session, [{ action: 'update', id, resource, ...options }]);
  return result as WriteResult;
}

/** The one that meets the criteria; a new one where there is none. */
export async function updateMatch(
  session: Session,
  criteria: Criteria,
  resource: Resource,
  options: UpdateOptions = {},
): Promise<WriteResult> {
  const [result] = await write(session, [{ action: 'update', criteria, resource, ...options }]);
  return result as WriteResult;
}

/** The body's id must be the URL's. */
export function requireSameId(id: string, resource: Resource): void {
  if (resource.id === id) return;
  const said = resource.id === undefined ? 'no id' : 'another id';
  throw fhirError('invalid', `The URL names ${resource.resourceType}/${id}, the body has ${said}.`, {
    expression: `${resource.resourceType}.id`,
  });
}
