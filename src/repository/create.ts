// Create: https://hl7.org/fhir/R4/http.html#create

import type { Resource } from '@medplum/fhirtypes';
import type { ExactNumbers, WriteResult } from './change.ts';
import type { Session } from './session.ts';
import { write } from './write.ts';

/** The server chooses the id; one in the body is replaced. */
export async function create(session: Session, resource: Resource, exactNumbers?: ExactNumbers): Promise<WriteResult> {
  const [result] = await write(session, [{ action: 'create', resource, ...(exactNumbers ? { exactNumbers } : {}) }]);
  return result as WriteResult;
}
